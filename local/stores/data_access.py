"""Data access and network policies of OpenSearch Serverless, evaluated for one question.

https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-data-access.html
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any

FORBIDDEN = (
    "[security_exception] 403 Forbidden: {who} has no {what} on {which} in any data access policy. "
    "Name it in Principal of AWS::OpenSearchServerless::AccessPolicy"
)


class AccessDeniedError(ValueError):
    """No policy allows it; the message is what the service answers, and who to name where."""


def check_access(principal: str, permission: str, resource: str) -> None:
    """Raise AccessDeniedError unless a data access policy allows; say `index/NAME/INDEX`."""
    for statement in _statements("data"):
        if principal in statement.get("Principal", []) and any(
            _covers(rule, permission, resource) for rule in statement["Rules"]
        ):
            return
    raise AccessDeniedError(FORBIDDEN.format(who=principal, what=permission, which=resource))


def check_network(collection: str) -> None:
    """Raise AccessDeniedError unless Bedrock reaches the collection.

    https://docs.aws.amazon.com/opensearch-service/latest/developerguide/serverless-network.html
    """
    resource = f"collection/{collection}"
    for statement in _statements("network"):
        open_to_bedrock = statement.get("AllowFromPublic") is True or (
            "bedrock.amazonaws.com" in statement.get("SourceServices", [])
        )
        if open_to_bedrock and any(_names(rule, resource) for rule in statement["Rules"]):
            return
    raise AccessDeniedError(
        f"403 Forbidden: no network policy lets bedrock.amazonaws.com reach {resource}. Add it to "
        "SourceServices of a network policy, or allow public access"
    )


def _statements(kind: str) -> Iterator[Mapping[str, Any]]:
    from ministack.services import opensearchserverless

    held = (
        opensearchserverless._access_policies
        if kind == "data"
        else opensearchserverless._security_policies
    )
    for record in held.values():
        if record["type"] == kind:
            yield from record["policy"]


def _covers(rule: Mapping[str, Any], permission: str, resource: str) -> bool:
    granted = rule.get("Permission", [])
    return ("aoss:*" in granted or permission in granted) and _names(rule, resource)


def _names(rule: Mapping[str, Any], resource: str) -> bool:
    return any(fnmatch.fnmatchcase(resource, pattern) for pattern in rule["Resource"])
