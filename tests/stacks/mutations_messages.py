"""Breaks of queues, alarms and scaling policies, with the rule that has to notice."""

from __future__ import annotations

from tests.stacks.mutating import (
    ALARM,
    GROUP,
    POLICY,
    QUEUE,
    TRACK,
    Case,
    allow,
    changed,
    drop_tls,
    everybody_may_send,
    expression,
    metrics,
    misspell_service,
    one,
    script,
    trust_everybody,
    without,
)

MESSAGE_MUTATIONS: list[Case] = [
    (
        "queue without TLS",
        "Fleet",
        drop_tls("AWS::SQS::QueuePolicy", "WorkQueue"),
        "check_only_tls",
    ),
    ("topic without TLS", "Fleet", drop_tls("AWS::SNS::TopicPolicy", ""), "check_only_tls"),
    (
        "queue without encryption",
        "Fleet",
        changed(QUEUE, "WorkQueue", "SqsManagedSseEnabled", False),
        "check_queues_are_encrypted",
    ),
    ("no redrive", "Fleet", without(QUEUE, "WorkQueue", "RedrivePolicy"), "check_redrive"),
    (
        "redrive after 4 instead of 5",
        "Fleet",
        changed(QUEUE, "WorkQueue", "RedrivePolicy", "maxReceiveCount", 4),
        "check_redrive",
    ),
    (
        "dead letters for everybody",
        "Fleet",
        without(QUEUE, "WorkDeadLetters", "RedriveAllowPolicy"),
        "check_redrive",
    ),
    (
        "dead letters for four days",
        "Fleet",
        without(QUEUE, "WorkDeadLetters", "MessageRetentionPeriod"),
        "check_redrive",
    ),
    (
        "short polling",
        "Fleet",
        without(QUEUE, "WorkQueue", "ReceiveMessageWaitTimeSeconds"),
        "check_long_polling",
    ),
    (
        "messages kept for a minute",
        "Fleet",
        changed(QUEUE, "WorkQueue", "MessageRetentionPeriod", 60),
        "check_retention",
    ),
    (
        "another visibility timeout",
        "Fleet",
        changed(QUEUE, "WorkQueue", "VisibilityTimeout", 30),
        "check_visibility",
    ),
    ("anybody's events", "Fleet", everybody_may_send, "check_nobody_else_may_send"),
    (
        "another prefix",
        "Fleet",
        changed(
            "AWS::Events::Rule", "", "EventPattern", "detail", "object", "key", [{"prefix": ""}]
        ),
        "check_uploads_become_messages",
    ),
    (
        "lost events",
        "Fleet",
        lambda t: one(t, "AWS::Events::Rule")["Targets"][0].pop("DeadLetterConfig"),
        "check_uploads_become_messages",
    ),
    ("half set up instances stay", "Fleet", script("; shutdown -h now", ""), "check_script"),
    ("a variable is missing", "Fleet", script("WORKER_THREADS=8\n", ""), "check_environment"),
    ("no metric math", "Fleet", lambda t: metrics(t).pop(), "check_metric_math"),
    (
        "no instances in the metric",
        "Fleet",
        lambda t: next(m for m in metrics(t) if m["Id"] == "in_service")["MetricStat"][
            "Metric"
        ].update(MetricName="GroupMinSize"),
        "check_metric_math",
    ),
    (
        "in flight does not count",
        "Fleet",
        expression(" + FILL(in_flight, 0)", ""),
        "check_in_flight_counts",
    ),
    (
        "in flight is not filled",
        "Fleet",
        expression("FILL(in_flight, 0)", "in_flight"),
        "check_in_flight_counts",
    ),
    (
        "division by zero",
        "Fleet",
        expression("IF(in_service > 0, in_service, 1)", "in_service"),
        "check_denominator",
    ),
    (
        "late data reads as empty",
        "Fleet",
        expression("IF(in_service > 0", "IF(FILL(in_service, 0) > 0"),
        "check_denominator",
    ),
    (
        "late queue reads as empty",
        "Fleet",
        expression("IF(visible >= 0, (", "IF(1, ("),
        "check_denominator",
    ),
    (
        "a target of zero",
        "Fleet",
        changed(POLICY, "BacklogPerInstance", TRACK, "TargetValue", 0),
        "check_target",
    ),
    (
        "never smaller",
        "Fleet",
        changed(POLICY, "BacklogPerInstance", TRACK, "DisableScaleIn", True),
        "check_target",
    ),
    ("nothing wakes the group", "Fleet", without(POLICY, "WakeFromZero"), "check_wakes_from_zero"),
    (
        "the alarm wakes nobody",
        "Fleet",
        changed(ALARM, "BacklogWithoutInstances", "AlarmActions", []),
        "check_wakes_from_zero",
    ),
    (
        "waking shrinks",
        "Fleet",
        changed(POLICY, "WakeFromZero", "AdjustmentType", "ExactCapacity"),
        "check_wakes_from_zero",
    ),
    (
        "rests at work",
        "Fleet",
        lambda t: next(
            m for m in one(t, ALARM, "NothingToDo")["Metrics"] if "Expression" in m
        ).update(Expression="visible"),
        "check_rests",
    ),
    (
        "rests at nothing but its minimum",
        "Fleet",
        changed(POLICY, "Rest", "StepAdjustments", 0, "ScalingAdjustment", 7),
        "check_rests",
    ),
    ("no warm-up", "Fleet", without(GROUP, "", "DefaultInstanceWarmup"), "check_warm_up"),
    ("no alarm for dead letters", "Fleet", without(ALARM, "AlarmsDeadLetters"), "check_alarms"),
    (
        "an alarm that nobody hears",
        "Fleet",
        without(ALARM, "AlarmsOldest", "AlarmActions"),
        "check_alarms",
    ),
    (
        "missing data undecided",
        "Fleet",
        without(ALARM, "AlarmsDrain", "TreatMissingData"),
        "check_alarms",
    ),
    (
        "no report is no alarm",
        "Fleet",
        lambda t: next(
            each
            for each in one(t, ALARM, "AlarmsNoHealthyWorker")["Metrics"]
            if "Expression" in each
        ).update(Expression="IF(visible >= 0, IF(reports < 1, visible, 0))"),
        "check_no_healthy_worker_is_noticed",
    ),
    (
        "topic without a key",
        "Fleet",
        without("AWS::SNS::Topic", "", "KmsMasterKeyId"),
        "check_topic",
    ),
    (
        "key without rotation",
        "Fleet",
        without("AWS::KMS::Key", "", "EnableKeyRotation"),
        "check_topic",
    ),
    (
        "logs for ever",
        "Fleet",
        without("AWS::Logs::LogGroup", "", "RetentionInDays"),
        "check_log_retention",
    ),
    ("an output less", "Fleet", lambda t: t["Outputs"].pop("QueueUrl"), "check_outputs"),
    ("all actions of SQS", "Fleet", allow("sqs:*", None), "check_no_wildcard_actions"),
    ("all buckets", "Fleet", allow("s3:GetObject", "*", 1), "check_no_wildcard_resources"),
    ("trust in everybody", "Fleet", trust_everybody, "check_trusts"),
    ("a misspelt service", "Fleet", misspell_service, "check_trusts"),
    (
        "a managed policy",
        "Fleet",
        changed(
            "AWS::IAM::Role",
            "Permissions",
            "ManagedPolicyArns",
            ["arn:aws:iam::aws:policy/AmazonSQSFullAccess"],
        ),
        "check_no_managed_policies",
    ),
    (
        "everybody may publish",
        "Fleet",
        lambda t: one(t, "AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"].append(
            {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
        ),
        "check_resource_policies",
    ),
]
