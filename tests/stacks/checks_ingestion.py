"""Rules for ingestion. Each returns what is wrong, in words."""

from __future__ import annotations

from tests.stacks.reading import Template, as_list, named, resources, statements, text

QUEUE, MAPPING = "AWS::SQS::Queue", "AWS::Lambda::EventSourceMapping"
RULE, ALARM, ROLE = "AWS::Events::Rule", "AWS::CloudWatch::Alarm", "AWS::IAM::Role"
FUNCTION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Alias"
FOURTEEN_DAYS = 14 * 86_400
STORAGE = "AWS::DynamoDB::Table"


def check_changes_become_messages(template: Template) -> list[str]:
    """What is created and what is deleted; what cannot be delivered is kept."""
    (rule,) = resources(template, RULE).values()
    pattern = rule.get("EventPattern", {})
    (target,) = rule["Targets"]
    wrong = (
        (pattern.get("source") != ["aws.s3"], "the rule does not listen to S3"),
        (
            pattern.get("detail-type") != ["Object Created", "Object Deleted"],
            "creations or deletions are not noticed",
        ),
        (
            "PreparedDocuments" not in text(pattern["detail"]["bucket"]["name"]),
            "the rule does not name the bucket of prepared documents",
        ),
        ("Changes" not in text(target["Arn"]), "the rule does not send to the queue"),
        (
            "Undelivered" not in text(target.get("DeadLetterConfig", {}).get("Arn", "")),
            "events that cannot be delivered are lost",
        ),
    )
    return [problem for found, problem in wrong if found]


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
    check_changes_wait_as_long_as_it_takes,
    check_bursts_merge,
    check_ingestion_may,
    check_ingestion_environment,
    check_ingestion_progress,
    check_reports_are_encrypted,
    check_ingestion_alarms,
    check_ingestion_outputs,
)
