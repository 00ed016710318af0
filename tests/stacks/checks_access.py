"""Rules for roles and policies."""

from __future__ import annotations

import re
from typing import Any

from tests.stacks.reading import (
    Template,
    as_list,
    policies,
    resource_policies,
    resources,
    statements,
    text,
    walk,
)

# Actions that IAM cannot tie to a resource, each with the page that says so.
WITHOUT_RESOURCES = {
    "bedrock:AssociateThirdPartyKnowledgeBase": "list_amazonbedrock.html",
    "bedrock:CreateKnowledgeBase": "list_amazonbedrock.html",
    "bedrock:Rerank": "list_amazonbedrock.html",
    "bedrock:RetrieveAndGenerate": "list_amazonbedrock.html",
    "ec2:DescribeNetworkInterfaces": "list_amazonec2.html",
    "ec2:DescribeSubnets": "list_amazonec2.html",
    "ssmmessages:CreateControlChannel": "list_amazonmessagegatewayservice.html",
    "ssmmessages:CreateDataChannel": "list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenControlChannel": "list_amazonmessagegatewayservice.html",
    "ssmmessages:OpenDataChannel": "list_amazonmessagegatewayservice.html",
    "xray:PutTelemetryRecords": "list_awsx-ray.html",
    "xray:PutTraceSegments": "list_awsx-ray.html",
}
# Service principals that the stacks use; a typing error in one is not seen by any offline judge.
SERVICE_PRINCIPALS = re.compile(
    r"(apigateway|appsync|bedrock|cloudwatch|ec2|events|indexing\.s3vectors|lambda|logging\.s3|logs\.<AWS::Region>"
    r"|scheduler|vpc-flow-logs)"
    r"\.amazonaws\.com"
)


def check_no_wildcard_actions(template: Template) -> list[str]:
    return [
        f"{name} allows {action}"
        for name, document in policies(template)
        for statement in statements(document)
        if statement["Effect"] == "Allow"
        for action in as_list(statement.get("Action", "*"))
        if "*" in action
    ]


def check_no_wildcard_resources(template: Template) -> list[str]:
    problems = []
    for name, document in policies(template):
        for statement in statements(document):
            if statement["Effect"] != "Allow" or "*" not in as_list(statement.get("Resource", "*")):
                continue
            problems += [
                f"{name} allows {action} on everything"
                for action in as_list(statement["Action"])
                if action not in WITHOUT_RESOURCES
            ]
    return problems


def check_no_managed_policies(template: Template) -> list[str]:
    """Managed policies of AWS change without notice and allow more than is needed."""
    return [
        f"{name} carries {text(arn)}"
        for name, role in resources(template, "AWS::IAM::Role").items()
        for arn in role.get("ManagedPolicyArns", [])
    ]


def check_trusts(template: Template) -> list[str]:
    """Roles trust known services, never an account, `*` or a misspelt name."""
    problems = []
    for name, role in resources(template, "AWS::IAM::Role").items():
        for statement in statements(role["AssumeRolePolicyDocument"]):
            principal = statement["Principal"]
            if _is_for_signed_in_users(statement):
                continue
            services = as_list(principal.get("Service")) if isinstance(principal, dict) else []
            if not services or set(principal) != {"Service"}:
                problems.append(f"{name} trusts {principal}")
            problems += [
                f"{name} trusts the unknown service {text(service)}"
                for service in services
                if not SERVICE_PRINCIPALS.fullmatch(text(service))
            ]
    return problems


def _is_for_signed_in_users(statement: dict[str, Any]) -> bool:
    """Of one identity pool; without both conditions every pool of every account would do.

    https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html
    """
    issuer = "cognito-identity.amazonaws.com"
    condition = statement.get("Condition", {})
    return (
        statement["Principal"] == {"Federated": issuer}
        and statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        and bool(condition.get("StringEquals", {}).get(f"{issuer}:aud", {}).get("Ref"))
        and condition.get("ForAnyValue:StringLike") == {f"{issuer}:amr": "authenticated"}
    )


def check_resource_policies(template: Template) -> list[str]:
    """Everybody is only ever denied, or limited by a condition; services are spelt right."""
    problems = []
    for name, document in resource_policies(template):
        for statement in statements(document):
            principal = statement["Principal"]
            anybody = principal == "*" or principal == {"AWS": "*"}
            packages = "al2023-repos-" in text(statement.get("Resource", ""))
            if (
                anybody
                and statement["Effect"] == "Allow"
                and not (statement.get("Condition") or packages)
            ):
                problems.append(f"{name} allows everybody")
            services = as_list(principal.get("Service")) if isinstance(principal, dict) else []
            problems += [
                f"{name} names the unknown service {text(service)}"
                for service in services
                if not SERVICE_PRINCIPALS.fullmatch(text(service))
            ]
    return problems


def check_policies_come_with_the_role(template: Template) -> list[str]:
    """An instance must not boot before its permissions are attached; a policy of its own may only
    repeat what the role has, to be there for longer.
    """
    held = {
        f"<{name}>": [each["PolicyDocument"] for each in role.get("Policies", [])]
        for name, role in resources(template, "AWS::IAM::Role").items()
    }
    return [
        f"{name} is attached later"
        for name, policy in resources(template, "AWS::IAM::Policy").items()
        for role in as_list(policy.get("Roles")) or [""]
        if policy.get("PolicyDocument") not in held.get(text(role), [])
    ]


def check_no_secrets_in_plain_text(template: Template) -> list[str]:
    return [
        f"{value[:40]!r} looks like a secret"
        for value in walk(template)
        if isinstance(value, str)
        and re.search(r"AKIA[0-9A-Z]{16}|(PASSWORD|SECRET|TOKEN)\s*=\s*\S", value)
    ]
