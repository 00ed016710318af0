"""AWS::Bedrock::Guardrail and GuardrailVersion, kept in MiniStack's records.

`guardrail` is what evaluates them reads: the policies in the spelling of CreateGuardrail
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateGuardrail.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from local.types.handlers import Outcome, Properties, add, required
from local.types.service_calls import answered, camel, replaces

# The member of a request, and the one of MiniStack's record.
POLICIES = {
    "topicPolicyConfig": "TopicPolicy",
    "contentPolicyConfig": "ContentPolicy",
    "wordPolicyConfig": "WordPolicy",
    "sensitiveInformationPolicyConfig": "SensitiveInformationPolicy",
    "contextualGroundingPolicyConfig": "ContextualGroundingPolicy",
}
RENAMED = {"KmsKeyArn": "KmsKeyId"}  # the template's name, the API's


def register() -> None:
    """Add both types."""
    add(
        "AWS::Bedrock::Guardrail",
        create=_create_guardrail,
        update=_update_guardrail,
        delete=_delete_guardrail,
    )
    add(
        "AWS::Bedrock::GuardrailVersion",
        create=_create_version,
        update=_update_version,
        delete=_delete_version,
    )


def guardrail(identifier: str, version: str) -> dict[str, Any] | None:
    """A deployed guardrail of an id or ARN; None when there is no such version.

    Its keys: `name`, `blockedInputMessaging`, `blockedOutputsMessaging`, and those of POLICIES that
    it has, as CreateGuardrail takes them.
    """
    from ministack.services import bedrock

    short = identifier.rpartition("/")[2]
    record = (
        bedrock._guardrails.get(short)
        if version == "DRAFT"
        else bedrock._guardrail_versions.get(f"{short}/{version}")
    )
    if record is None:
        return None
    return {
        "name": record["Name"],
        "blockedInputMessaging": record["BlockedInputMessaging"],
        "blockedOutputsMessaging": record["BlockedOutputsMessaging"],
        **{member: record[name] for member, name in POLICIES.items() if record.get(name)},
    }


def _body(properties: Properties) -> bytes:
    request = {
        RENAMED.get(name, name): value for name, value in properties.items() if name != "Tags"
    }
    tags = [{"key": each["Key"], "value": each["Value"]} for each in properties.get("Tags", [])]
    return json.dumps({**camel(request), "tags": tags}).encode()


def _create_guardrail(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock

    _check(properties)
    made = answered(bedrock._create_guardrail(_body(properties)))
    return made["guardrailArn"], _attributes(made)


def _check(properties: Properties) -> None:
    for name in ("Name", "BlockedInputMessaging", "BlockedOutputsMessaging"):
        required(properties, name)
    if not any(member[:1].upper() + member[1:] in properties for member in POLICIES):
        raise ValueError(
            "a guardrail needs at least one policy: topics, content, words, sensitive information "
            "or contextual grounding (Service: Bedrock, Status Code: 400, ValidationException)"
        )


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "GuardrailId": record["guardrailId"],
        "GuardrailArn": record["guardrailArn"],
        "Version": "DRAFT",
        "Status": "READY",
    }


def _update_guardrail(arn: str, old: Properties, new: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock

    _check(new)
    removed = {
        name[:1].lower() + name[1:]: None
        for name in old
        if name not in new and name.endswith("PolicyConfig")
    }
    request = {**json.loads(_body(new)), **removed}
    updated = answered(bedrock._update_guardrail(arn, json.dumps(request).encode()))
    return arn, _attributes(updated)


def _delete_guardrail(arn: str, _properties: Properties) -> None:
    from ministack.services import bedrock

    bedrock._delete_guardrail(arn, {})


def _create_version(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock

    identifier = str(required(properties, "GuardrailIdentifier"))
    made = answered(bedrock._create_guardrail_version(identifier, b"{}"))
    short, version = made["guardrailId"], made["version"]
    arn = bedrock._guardrails[short]["GuardrailArn"]
    return f"{short}|{version}", {"GuardrailId": short, "GuardrailArn": arn, "Version": version}


def _update_version(identifier: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if not replaces(old, new, ("Description", "GuardrailIdentifier")):
        return identifier, {}
    return _create_version("", new, stack)


def _delete_version(identifier: str, _properties: Properties) -> None:
    from ministack.services import bedrock

    bedrock._guardrail_versions.pop(identifier.replace("|", "/"), None)
