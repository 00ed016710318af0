"""Rules for the table of jobs, which the fleet owns and the API shares."""

from __future__ import annotations

from tests.stacks.reading import (
    Template,
    as_list,
    environment,
    named,
    policies,
    statements,
    text,
)

TABLE = "AWS::DynamoDB::Table"


def check_jobs_table(template: Template) -> list[str]:
    """Keys as lambda_src/jobs describes them, on demand, forgetting by time to live."""
    table = named(template, TABLE, "JobsTable")
    problems = []
    keys = {each["AttributeName"]: each["KeyType"] for each in table["KeySchema"]}
    if keys != {"job": "HASH", "document": "RANGE"}:
        problems.append(f"the table's keys are {keys}")
    lives = table.get("TimeToLiveSpecification", {})
    if lives.get("AttributeName") != "expires_at" or lives.get("Enabled") is not True:
        problems.append("jobs are never forgotten")
    if table.get("BillingMode") != "PAY_PER_REQUEST":
        problems.append("the table costs while nothing happens")
    return problems


def check_the_worker_may_report(template: Template) -> list[str]:
    """The worker knows the table's name, and may put items into it and nothing else."""
    (name,) = (key for key, each in template["Resources"].items()
               if each["Type"] == TABLE and "JobsTable" in key)  # fmt: skip
    allowed = [
        action
        for _, document in policies(template)
        for statement in statements(document)
        if text(statement["Resource"]) == f"<{name}.Arn>"
        for action in as_list(statement["Action"])
    ]
    problems = []
    if environment(template).get("WORKER_JOBS_TABLE") != f"<{name}>":
        problems.append("the worker does not know the table of jobs")
    if allowed != ["dynamodb:PutItem"]:
        problems.append(f"the worker may {allowed} on the table of jobs")
    return problems
