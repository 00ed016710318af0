"""Rules for ingestion. Each returns what is wrong, in words."""

from __future__ import annotations

from typing import Any

from tests.stacks.reading import Properties, Template, as_list, named, resources, statements, text

QUEUE, MAPPING = "AWS::SQS::Queue", "AWS::Lambda::EventSourceMapping"
RULE, ALARM, ROLE = "AWS::Events::Rule", "AWS::CloudWatch::Alarm", "AWS::IAM::Role"
FUNCTION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Alias"
FOURTEEN_DAYS = 14 * 86_400
STORAGE = "AWS::DynamoDB::Table"


def heard(template: Template, source: str) -> tuple[Properties, dict[str, Any]]:
    """The one rule for events of a source, and its pattern."""
    (rule,) = (
        each
        for each in resources(template, RULE).values()
        if each.get("EventPattern", {}).get("source") == [source]
    )
    return rule, rule["EventPattern"]


def check_changes_become_messages(template: Template) -> list[str]:
    """What is created and what is deleted; what cannot be delivered is kept."""
    rule, pattern = heard(template, "aws.s3")
    wrong = (
        (
            pattern.get("detail-type") != ["Object Created", "Object Deleted"],
            "creations or deletions are not noticed",
        ),
        (
            "PreparedDocuments" not in text(pattern["detail"]["bucket"]["name"]),
            "the rule does not name the bucket of prepared documents",
        ),
    )
    return [problem for found, problem in wrong if found] + _undelivered(rule)


def check_deployments_become_messages(template: Template) -> list[str]:
    """What is there already announces nothing to a knowledge base or data source that is new."""
    rule, pattern = heard(template, "aws.cloudformation")
    detail = pattern.get("detail", {})
    statuses = set(as_list(detail.get("status-details", {}).get("status")))
    wrong = (
        (
            pattern.get("detail-type") != ["CloudFormation Stack Status Change"],
            "the rule does not listen to stacks",
        ),
        (text(detail.get("stack-id", "")) != "<AWS::StackId>", "other stacks are listened to"),
        (
            statuses != {"CREATE_COMPLETE", "UPDATE_COMPLETE"},
            "a stack that is made or changed is not noticed, or one that is not yet",
        ),
    )
    return [problem for found, problem in wrong if found] + _undelivered(rule)


def _undelivered(rule: Properties) -> list[str]:
    (target,) = rule["Targets"]
    problems = [] if "Changes" in text(target["Arn"]) else ["the rule does not send to the queue"]
    if "Undelivered" not in text(target.get("DeadLetterConfig", {}).get("Arn", "")):
        problems.append("events that cannot be delivered are lost")
    return problems


def check_only_its_rules_may_send(template: Template) -> list[str]:
    """Each rule by name, to the queue and to the one of what could not be delivered."""
    rules = set(resources(template, RULE))
    problems = []
    for name, policy in resources(template, "AWS::SQS::QueuePolicy").items():
        allowed = [
            each for each in statements(policy["PolicyDocument"]) if each["Effect"] == "Allow"
        ]
        senders = {
            text(each.get("Condition", {}).get("ArnEquals", {}).get("aws:SourceArn", "anybody"))
            for each in allowed
        }
        wanted = {f"<{rule}.Arn>" for rule in rules} if "Events" in name else set()
        if senders != wanted:
            problems.append(f"{name} lets {sorted(senders)} send")
    return problems


def check_changes_wait_as_long_as_it_takes(template: Template) -> list[str]:
    """No redrive policy takes a message that waits for one that fails; all are kept for 14 days."""
    problems = []
    for name, queue in resources(template, QUEUE).items():
        if "RedrivePolicy" in queue:
            problems.append(f"{name}: waiting for a job of 16 hours would end in another queue")
        if queue.get("MessageRetentionPeriod") != FOURTEEN_DAYS:
            problems.append(f"{name} forgets before 14 days")
    return problems


def check_bursts_merge(template: Template) -> list[str]:
    """The alias takes many messages at once, by the fewest copies, and gives some of them back."""
    problems = []
    for name, mapping in resources(template, MAPPING).items():
        wrong = (
            (mapping.get("BatchSize", 10) < 100, "takes few messages at once"),
            (not mapping.get("MaximumBatchingWindowInSeconds"), "does not gather"),
            (
                mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"],
                "deletes messages that have to wait, or returns all of them",
            ),
            (
                mapping.get("ScalingConfig", {}).get("MaximumConcurrency") != 2,
                "is worked on by more copies than it needs",
            ),
            (
                text(mapping["FunctionName"]).strip("<>") not in resources(template, ALIAS),
                "invokes something else than an alias",
            ),
        )
        problems += [f"{name} {problem}" for found, problem in wrong if found]
    if not resources(template, MAPPING):
        problems.append("nobody reads the queue")
    return problems


def check_ingestion_may(template: Template) -> list[str]:
    """What the function calls, each on what it is for."""
    wanted = {
        "bedrock:StartIngestionJob": "KnowledgeBase",
        "bedrock:ListIngestionJobs": "KnowledgeBase",
        "bedrock:GetIngestionJob": "KnowledgeBase",
        "bedrock:ListKnowledgeBaseDocuments": "KnowledgeBase",
        "sqs:ChangeMessageVisibility": "Changes",
        "sqs:DeleteMessage": "Changes",
        "sqs:GetQueueAttributes": "Changes",
        "sqs:GetQueueUrl": "Changes",
        "sqs:ReceiveMessage": "Changes",
        "sqs:SendMessage": "FailedDocuments",
        "sns:Publish": "Topic",
        "dynamodb:GetItem": "Progress",
        "dynamodb:UpdateItem": "Progress",
    }
    role = named(template, ROLE, "IngestionFunctionPermissions")
    allowed = {
        action: text(statement["Resource"])
        for policy in role["Policies"]
        for statement in statements(policy["PolicyDocument"])
        for action in as_list(statement["Action"])
    }
    return [
        f"the function may not {action} on {part}"
        for action, part in wanted.items()
        if part not in allowed.get(action, "")
    ]


def check_ingestion_environment(template: Template) -> list[str]:
    """It is told of the resources that are made here, and of no other."""
    wanted = {
        "KNOWLEDGE_BASE_ID": "KnowledgeBase",
        "DATA_SOURCE_ID": "Documents",
        "KNOWLEDGE_TABLE": "Progress",
        "TOPIC_ARN": "Topic",
        "FAILED_DOCUMENTS_QUEUE_URL": "FailedDocuments",
    }
    found = named(template, FUNCTION, "IngestionFunction")["Environment"]["Variables"]
    problems = [f"{name} is unknown to the function" for name in found if name not in wanted]
    return problems + [
        f"{name} is not {part}"
        for name, part in wanted.items()
        if part not in text(found.get(name, ""))
    ]


def check_ingestion_progress(template: Template) -> list[str]:
    """By its id alone, on demand."""
    table = named(template, STORAGE, "Progress")
    keys = [(each["AttributeName"], each["KeyType"]) for each in table["KeySchema"]]
    problems = [] if keys == [("id", "HASH")] else ["the table has other keys than are written"]
    if table.get("BillingMode") != "PAY_PER_REQUEST":
        problems.append("the table is paid for while nobody asks")
    return problems


def check_reports_are_encrypted(template: Template) -> list[str]:
    return [
        f"{name} is not encrypted"
        for name, topic in resources(template, "AWS::SNS::Topic").items()
        if not topic.get("KmsMasterKeyId")
    ]


def check_ingestion_alarms(template: Template) -> list[str]:
    """A backlog, failed documents, lost events, failing calls."""
    watched = {
        (alarm.get("MetricName"), text(alarm.get("Dimensions", [{}])[0].get("Value", "")))
        for alarm in resources(template, ALARM).values()
    }
    wanted = (
        ("ApproximateAgeOfOldestMessage", "Changes"),
        ("ApproximateNumberOfMessagesVisible", "FailedDocuments"),
        ("ApproximateNumberOfMessagesVisible", "Undelivered"),
        ("Failures", "IngestionFunction"),
    )
    return [
        f"nobody is told of {metric} of {part}"
        for metric, part in wanted
        if not any(name == metric and part in value for name, value in watched)
    ]


def check_ingestion_outputs(template: Template) -> list[str]:
    wanted = {"IngestionQueueUrl", "IngestionTopicArn", "KnowledgeTableName"}
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]


INGESTION_CHECKS = (
    check_changes_become_messages,
    check_deployments_become_messages,
    check_only_its_rules_may_send,
    check_changes_wait_as_long_as_it_takes,
    check_bursts_merge,
    check_ingestion_may,
    check_ingestion_environment,
    check_ingestion_progress,
    check_reports_are_encrypted,
    check_ingestion_alarms,
    check_ingestion_outputs,
)
