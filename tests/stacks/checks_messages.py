"""Rules for queues, topics and alarms. Each returns what is wrong, in words."""

from __future__ import annotations

from tests.stacks.reading import (
    Template,
    as_list,
    environment,
    named,
    resource_policies,
    resources,
    statements,
    text,
)

LONGEST_LEASE_SECONDS = 43_200
FOURTEEN_DAYS = 14 * 86_400


def check_queues_are_encrypted(template: Template) -> list[str]:
    return [
        f"{name} is not encrypted"
        for name, queue in resources(template, "AWS::SQS::Queue").items()
        if queue.get("SqsManagedSseEnabled") is not True and not queue.get("KmsMasterKeyId")
    ]


def check_only_tls(template: Template) -> list[str]:
    """Every queue, bucket and topic denies what does not come over TLS."""
    guarded = set()
    for kind, member in (
        ("AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SNS::TopicPolicy", "Topics"),
    ):
        for policy in resources(template, kind).values():
            if any(
                statement["Effect"] == "Deny"
                and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
                == "false"
                for statement in statements(policy["PolicyDocument"])
            ):
                guarded |= {text(target) for target in as_list(policy[member])}
    return [
        f"{name} can be reached without TLS"
        for kind in ("AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SNS::Topic")
        for name in resources(template, kind)
        if f"<{name}>" not in guarded
    ]


def check_redrive(template: Template) -> list[str]:
    """Failed messages move to a queue that keeps them for 14 days and takes them from here only."""
    work = named(template, "AWS::SQS::Queue", "WorkQueue")
    dead = named(template, "AWS::SQS::Queue", "WorkDeadLetters")
    problems = []
    redrive = work.get("RedrivePolicy", {})
    if "WorkDeadLetters" not in text(redrive.get("deadLetterTargetArn", "")):
        problems.append("the queue has no dead-letter queue")
    if not 1 <= redrive.get("maxReceiveCount", 0) <= 1000:
        problems.append("maxReceiveCount is not between 1 and 1000")
    if str(redrive.get("maxReceiveCount")) != environment(template).get("WORKER_MAX_RECEIVE_COUNT"):
        problems.append("the worker believes in another maxReceiveCount")
    if dead.get("MessageRetentionPeriod") != FOURTEEN_DAYS:
        problems.append("the dead-letter queue does not keep messages for 14 days")
    allow = dead.get("RedriveAllowPolicy", {})
    if allow.get("redrivePermission") != "byQueue" or [
        text(arn).split(":")[-1] for arn in allow.get("sourceQueueArns", [])
    ] != [work.get("QueueName")]:
        problems.append("the dead-letter queue takes messages from other queues")
    return problems


def check_long_polling(template: Template) -> list[str]:
    return [
        f"{name} does not poll long"
        for name, queue in resources(template, "AWS::SQS::Queue").items()
        if queue.get("ReceiveMessageWaitTimeSeconds", 0) < 1
    ]


def check_retention(template: Template) -> list[str]:
    """Work is kept at least four days, and never longer than its dead letters."""
    work = named(template, "AWS::SQS::Queue", "WorkQueue").get("MessageRetentionPeriod", 345_600)
    return [] if 86_400 <= work <= FOURTEEN_DAYS else [f"messages are kept for {work} s"]


def check_visibility(template: Template) -> list[str]:
    """Queue and worker agree on the lease, and no lease is stretched past what SQS allows."""
    worker = environment(template)
    work = named(template, "AWS::SQS::Queue", "WorkQueue")
    problems = []
    if str(work.get("VisibilityTimeout")) != worker.get("WORKER_VISIBILITY_TIMEOUT_SECONDS"):
        problems.append("queue and worker differ in the visibility timeout")
    longest = int(worker.get("WORKER_MAX_EXTENSION_SECONDS", "0"))
    if not int(worker.get("WORKER_VISIBILITY_TIMEOUT_SECONDS", "0")) <= longest:
        problems.append("the longest lease is shorter than the visibility timeout")
    if not 0 < longest <= LONGEST_LEASE_SECONDS:
        problems.append("a lease may exceed 12 hours, or is not capped")
    if int(worker.get("WORKER_DRAIN_SECONDS", "0")) > longest:
        problems.append("leases may end before the drain does")
    return problems


def check_nobody_else_may_send(template: Template) -> list[str]:
    """Who may send from outside the account's own policies: EventBridge, for our rule only.

    EventBridge passes no rule to a queue with a customer key, only the account.
    """
    problems = []
    for name, document in resource_policies(template):
        if "Policy" not in name or "Work" not in name:
            continue
        for statement in statements(document):
            if statement["Effect"] != "Allow":
                continue
            condition = statement.get("Condition", {})
            source = condition.get("ArnEquals", {}).get("aws:SourceArn") or condition.get(
                "StringEquals", {}
            ).get("aws:SourceAccount")
            if statement["Principal"] != {"Service": "events.amazonaws.com"} or not source:
                problems.append(f"{name} lets {statement['Principal']} send")
    return problems


def check_uploads_become_messages(template: Template) -> list[str]:
    rules = list(resources(template, "AWS::Events::Rule").values())
    if len(rules) != 1:
        return ["there is not exactly one rule for uploads"]
    (rule,) = rules
    pattern = rule.get("EventPattern", {})
    problems = []
    if pattern.get("source") != ["aws.s3"] or pattern.get("detail-type") != ["Object Created"]:
        problems.append("the rule does not listen for created objects")
    if pattern.get("detail", {}).get("object", {}).get("key") != [{"prefix": "incoming/"}]:
        problems.append("the rule does not listen to the prefix incoming/")
    if "Documents" not in text(pattern.get("detail", {}).get("bucket", {}).get("name", "")):
        problems.append("the rule does not name the documents bucket")
    (target,) = rule["Targets"]
    if "WorkQueue" not in text(target["Arn"]):
        problems.append("the rule does not send to the queue")
    if "WorkDeadLetters" not in text(target.get("DeadLetterConfig", {}).get("Arn", "")):
        problems.append("events that cannot be delivered are lost")
    return problems


def check_lambda_consumers_have_time(template: Template) -> list[str]:
    """A queue's visibility timeout is at least six times that of a function that consumes it."""
    queues = {f"<{name}.Arn>": q for name, q in resources(template, "AWS::SQS::Queue").items()}
    functions = resources(template, "AWS::Lambda::Function")
    aliases = resources(template, "AWS::Lambda::Alias")
    problems = []
    for name, mapping in resources(template, "AWS::Lambda::EventSourceMapping").items():
        queue = queues.get(text(mapping["EventSourceArn"]))
        invoked = text(mapping["FunctionName"]).strip("<>").split(".")[0]
        if invoked in aliases:
            invoked = text(aliases[invoked]["FunctionName"]).strip("<>")
        least = 6 * functions.get(invoked, {}).get("Timeout", 3)
        least += mapping.get("MaximumBatchingWindowInSeconds", 0)
        if queue and queue.get("VisibilityTimeout", 30) < least:
            problems.append(f"{name}: the queue hides messages for less than six time-outs")
    return problems


def check_alarms(template: Template) -> list[str]:
    """The four alarms exist, reach the topic, and decide what missing data means."""
    problems = []
    alarms = resources(template, "AWS::CloudWatch::Alarm")
    for part in ("OldestMessage", "DeadLetters", "NoHealthyWorker", "DrainTimedOut"):
        found = [alarm for name, alarm in alarms.items() if name.startswith(f"Alarms{part}")]
        if len(found) != 1:
            problems.append(f"there is no alarm {part}")
        elif "AlarmTopic" not in text(found[0].get("AlarmActions", [])):
            problems.append(f"nobody hears the alarm {part}")
    for name, alarm in alarms.items():
        if alarm.get("TreatMissingData") != "notBreaching":
            problems.append(f"{name} does not decide what missing data means")
        if not alarm.get("AlarmActions"):
            problems.append(f"{name} does nothing")
        if not alarm.get("AlarmDescription"):
            problems.append(f"{name} does not say what it is about")
    return problems


def check_no_healthy_worker_is_noticed(template: Template) -> list[str]:
    """By reports of workers: instances that fail while they boot are in service as well."""
    alarm = named(template, "AWS::CloudWatch::Alarm", "AlarmsNoHealthyWorker")
    queries = {each["Id"]: each for each in alarm.get("Metrics", [])}
    reports = queries.get("reports", {}).get("MetricStat", {})
    problems = []
    namespace = environment(template).get("WORKER_METRICS_NAMESPACE")
    if reports.get("Stat") != "SampleCount" or reports["Metric"]["Namespace"] != namespace:
        problems.append("workers are not counted by their reports")
    if not any("FILL(reports, 0) < 1" in each.get("Expression", "") for each in queries.values()):
        problems.append("no report at all is not noticed")
    return problems


def check_topic(template: Template) -> list[str]:
    """Encrypted with a key that CloudWatch may use, and open to this account's alarms alone."""
    problems = []
    for name, topic in resources(template, "AWS::SNS::Topic").items():
        if "Key" not in text(topic.get("KmsMasterKeyId", "")):
            problems.append(f"{name} is not encrypted with our key")
    for name, key in resources(template, "AWS::KMS::Key").items():
        if key.get("EnableKeyRotation") is not True:
            problems.append(f"{name} is not rotated")
        if "cloudwatch.amazonaws.com" not in str(key["KeyPolicy"]):
            problems.append(f"CloudWatch cannot publish to a topic that {name} encrypts")
    problems += [
        f"{name} lets other accounts publish"
        for name, policy in resources(template, "AWS::SNS::TopicPolicy").items()
        for statement in statements(policy["PolicyDocument"])
        if statement["Effect"] == "Allow"
        and "aws:SourceAccount" not in str(statement.get("Condition"))
    ]
    return problems


def check_log_retention(template: Template) -> list[str]:
    return [
        f"{name} keeps logs for ever"
        for name, group in resources(template, "AWS::Logs::LogGroup").items()
        if not group.get("RetentionInDays")
    ]


def check_outputs(template: Template) -> list[str]:
    wanted = {
        "QueueUrl",
        "DeadLetterQueueUrl",
        "AutoScalingGroupName",
        "LogGroupName",
        "AlarmTopicArn",
        "DashboardName",
    }
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]
