"""AWS::ApplicationAutoScaling::ScalableTarget and ScalingPolicy: records that the API describes.

Nothing scales: provisioned concurrency is a record as well (docs/fidelity.md). What Application
Auto Scaling would refuse is refused
(https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from local.types.handlers import Outcome, Properties, add, required

SERVICE = "application-autoscaling"
TARGET_PREFIX = "AnyScaleFrontendService"
LAMBDA = "lambda:function:ProvisionedConcurrency"
TARGETS: dict[str, dict[str, Any]] = {}
POLICIES: dict[str, dict[str, Any]] = {}
SCHEDULED: dict[str, list[dict[str, Any]]] = {}
Response = tuple[int, dict[str, str], bytes]


def register() -> None:
    """Add the types, and the part of the API that shows them."""
    from ministack import app
    from ministack.core import router

    add(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        create=_create_target,
        update=_update_target,
        delete=_delete_target,
    )
    add(
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        create=_create_policy,
        update=_update_policy,
        delete=_delete_policy,
    )
    app.SERVICE_HANDLERS[SERVICE] = _answer
    router.SERVICE_PATTERNS[SERVICE] = {
        "host_patterns": [rf"{SERVICE}\."],
        "target_prefixes": [TARGET_PREFIX],
        "credential_scope": SERVICE,
    }


def _create_target(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    resource = str(required(properties, "ResourceId"))
    dimension = str(required(properties, "ScalableDimension"))
    namespace = str(required(properties, "ServiceNamespace"))
    least, most = (int(required(properties, name)) for name in ("MinCapacity", "MaxCapacity"))
    if least > most:
        raise ValueError("Maximum capacity cannot be less than minimum capacity (Validation)")
    if dimension == LAMBDA:
        _check_alias(resource)
    identifier = f"{resource}|{dimension}|{namespace}"
    TARGETS[identifier] = {
        "ServiceNamespace": namespace,
        "ResourceId": resource,
        "ScalableDimension": dimension,
        "MinCapacity": least,
        "MaxCapacity": most,
    }
    SCHEDULED[identifier] = [
        {
            **each,
            "ServiceNamespace": namespace,
            "ResourceId": resource,
            "ScalableDimension": dimension,
        }
        for each in properties.get("ScheduledActions", [])
    ]
    return identifier, {"Id": identifier}


def _check_alias(resource: str) -> None:
    """Only what is provisioned can be scaled: `function:NAME:ALIAS`."""
    from ministack.services import lambda_svc

    kind, _, rest = resource.partition(":")
    name, _, alias = rest.partition(":")
    function = lambda_svc._functions.get(name)
    if kind != "function" or function is None or alias not in function["aliases"]:
        raise ValueError(f"{resource} is no alias of a function (ValidationException)")
    if alias not in function["provisioned_concurrency"]:
        raise ValueError(
            "No Provisioned Concurrency Config found for this function "
            f"(ObjectNotFoundException, {resource})"
        )


def _update_target(identifier: str, _old: Properties, new: Properties, stack: str) -> Outcome:
    made = _create_target("", new, stack)
    if made[0] != identifier:
        _delete_target(identifier, _old)
    return made


def _delete_target(identifier: str, _properties: Properties) -> None:
    TARGETS.pop(identifier, None)
    SCHEDULED.pop(identifier, None)


def _create_policy(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    target = str(required(properties, "ScalingTargetId"))
    if target not in TARGETS:
        raise ValueError(f"No scalable target {target} (ObjectNotFoundException)")
    arn = f"arn:aws:autoscaling:::scalingPolicy:{uuid.uuid4()}:resource/{target.split('|')[0]}"
    _store_policy(arn, properties)
    return arn, {"Arn": arn}


def _store_policy(arn: str, properties: Properties) -> None:
    target = TARGETS[properties["ScalingTargetId"]]
    POLICIES[arn] = {
        "PolicyARN": arn,
        "PolicyName": required(properties, "PolicyName"),
        "PolicyType": required(properties, "PolicyType"),
        **{name: target[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")},
        **{
            name: properties[name]
            for name in ("TargetTrackingScalingPolicyConfiguration",)
            if name in properties
        },
        "Alarms": [],
    }


def _update_policy(arn: str, _old: Properties, new: Properties, _stack: str) -> Outcome:
    _store_policy(arn, new)
    return arn, {"Arn": arn}


def _delete_policy(arn: str, _properties: Properties) -> None:
    POLICIES.pop(arn, None)


async def _answer(
    _method: str,
    _path: str,
    headers: Mapping[str, str],
    body: bytes,
    _query: Mapping[str, Any],
) -> Response:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    wanted = json.loads(body or b"{}")
    lists: dict[str, tuple[str, list[dict[str, Any]]]] = {
        "DescribeScalableTargets": ("ScalableTargets", list(TARGETS.values())),
        "DescribeScalingPolicies": ("ScalingPolicies", list(POLICIES.values())),
        "DescribeScheduledActions": (
            "ScheduledActions",
            [each for found in SCHEDULED.values() for each in found],
        ),
        "DescribeScalingActivities": ("ScalingActivities", []),
    }
    content_type = {"Content-Type": "application/x-amz-json-1.1"}
    if operation not in lists:
        refusal = {
            "__type": "ValidationException",
            "message": f"{operation} is not played locally; see docs/fidelity.md",
        }
        return 400, content_type, json.dumps(refusal).encode()
    name, found = lists[operation]
    shown = [each for each in found if _is_asked_for(each, wanted)]
    return 200, content_type, json.dumps({name: shown}).encode()


def _is_asked_for(record: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    resources = wanted.get("ResourceIds") or [wanted.get("ResourceId", record["ResourceId"])]
    return (
        record["ServiceNamespace"] == wanted.get("ServiceNamespace", record["ServiceNamespace"])
        and record["ResourceId"] in resources
    )
