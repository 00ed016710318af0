"""Breaks of ingestion, with the rule that has to notice."""

from __future__ import annotations

from tests.stacks.checks_assistant import ALARM, TABLE
from tests.stacks.checks_ingestion import MAPPING, QUEUE, RULE
from tests.stacks.mutating import (
    Case,
    Mutation,
    changed,
    no_output,
    no_policy,
    one,
    told,
    without,
)
from tests.stacks.reading import Template

QUEUE_POLICY = "AWS::SQS::QueuePolicy"
STATUS = ("EventPattern", "detail", "status-details", "status")


def lost_events(part: str) -> Mutation:
    def mutate(template: Template) -> None:
        del one(template, RULE, part)["Targets"][0]["DeadLetterConfig"]

    return mutate


def any_rule(template: Template) -> None:
    document = one(template, QUEUE_POLICY, "EventsChanges")["PolicyDocument"]
    for statement in document["Statement"]:
        if statement["Effect"] == "Allow":
            statement["Condition"] = {"ArnEquals": {"aws:SourceArn": "arn:aws:events:*:*:rule/*"}}


INGESTION_MUTATIONS: list[Case] = [
    (name, "Knowledge", mutate, rule)
    for name, mutate, rule in (
        (
            "deletions are not noticed",
            changed(RULE, "EventsRule", "EventPattern", "detail-type", ["Object Created"]),
            "check_changes_become_messages",
        ),
        ("events are lost", lost_events("EventsRule"), "check_changes_become_messages"),
        (
            "replacements are not noticed",
            changed(RULE, "EventsDeployed", *STATUS, ["CREATE_COMPLETE"]),
            "check_deployments_become_messages",
        ),
        (
            "every stack of the account",
            without(RULE, "EventsDeployed", "EventPattern", "detail", "stack-id"),
            "check_deployments_become_messages",
        ),
        (
            "deployments are lost",
            lost_events("EventsDeployed"),
            "check_deployments_become_messages",
        ),
        ("every rule of every account", any_rule, "check_only_its_rules_may_send"),
        (
            "patience is taken for failure",
            changed(QUEUE, "Changes", "RedrivePolicy", {"maxReceiveCount": 1000}),
            "check_changes_wait_as_long_as_it_takes",
        ),
        (
            "four days are enough",
            without(QUEUE, "Changes", "MessageRetentionPeriod"),
            "check_changes_wait_as_long_as_it_takes",
        ),
        ("one by one", changed(MAPPING, "", "BatchSize", 1), "check_bursts_merge"),
        (
            "at once",
            without(MAPPING, "", "MaximumBatchingWindowInSeconds"),
            "check_bursts_merge",
        ),
        ("all or nothing", without(MAPPING, "", "FunctionResponseTypes"), "check_bursts_merge"),
        ("a hundred copies", without(MAPPING, "", "ScalingConfig"), "check_bursts_merge"),
        (
            "not the alias",
            changed(MAPPING, "", "FunctionName", {"Ref": "IngestionFunction90B3FA15"}),
            "check_bursts_merge",
        ),
        (
            "six time-outs without the window",
            changed(QUEUE, "Changes", "VisibilityTimeout", 360),
            "check_lambda_consumers_have_time",
        ),
        (
            "messages cannot be hidden",
            no_policy("IngestionFunctionPermissions", "events"),
            "check_ingestion_may",
        ),
        (
            "another queue of failed documents",
            told("IngestionFunction", "FAILED_DOCUMENTS_QUEUE_URL", "elsewhere"),
            "check_ingestion_environment",
        ),
        (
            "another key",
            changed(TABLE, "Progress", "KeySchema", 0, "AttributeName", "job"),
            "check_ingestion_progress",
        ),
        (
            "reports in the open",
            without("AWS::SNS::Topic", "", "KmsMasterKeyId"),
            "check_reports_are_encrypted",
        ),
        (
            "nobody hears of a backlog",
            without(ALARM, "IngestionAlarmsBacklog"),
            "check_ingestion_alarms",
        ),
        ("no topic", no_output("IngestionTopicArn"), "check_ingestion_outputs"),
    )
]
