"""AWS::Bedrock::Prompt and PromptVersion, kept in MiniStack's records.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-bedrock-prompt.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from local.types.handlers import Outcome, Properties, add, required
from local.types.service_calls import answered, body, replaces


def register() -> None:
    """Add both types."""
    add("AWS::Bedrock::Prompt", create=_create, update=_update, delete=_delete)
    add(
        "AWS::Bedrock::PromptVersion",
        create=_create_version,
        update=_update_version,
        delete=_delete_version,
    )


def _create(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock_agent

    name = required(properties, "Name")
    if any(each["Name"] == name for each in bedrock_agent._prompts.values()):
        raise ValueError(
            f"Prompt with name {name} already exists. (Service: BedrockAgent, Status Code: 409, "
            "ConflictException)"
        )
    made = answered(bedrock_agent._create_prompt(body(_with_texts(properties))))
    return made["arn"], _attributes(made)


def _attributes(record: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Arn": "arn", "Id": "id", "Version": "version", "CreatedAt": "createdAt"}
    return {name: record[member] for name, member in names.items()} | {
        "UpdatedAt": record["updatedAt"]
    }


def _with_texts(properties: Properties) -> Properties:
    """CloudFormation reads a template that a variant keeps in S3 when it makes the prompt."""
    filled = copy.deepcopy(properties)
    for variant in filled.get("Variants", []):
        text = variant.get("TemplateConfiguration", {}).get("Text", {})
        location = text.pop("TextS3Location", None)
        if location is not None:
            text["Text"] = _object(location)
    return filled


def _object(location: Mapping[str, Any]) -> str:
    from ministack.services import s3

    content = s3._get_object_data(location["Bucket"], location["Key"])
    if content is None:
        raise ValueError(f"no prompt text at s3://{location['Bucket']}/{location['Key']}")
    return bytes(content).decode()


def _update(arn: str, _old: Properties, new: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock_agent

    identifier = arn.rpartition("/")[2]
    return arn, _attributes(
        answered(bedrock_agent._update_prompt(identifier, body(_with_texts(new))))
    )


def _delete(arn: str, _properties: Properties) -> None:
    from ministack.services import bedrock_agent

    identifier = arn.rpartition("/")[2]
    bedrock_agent._prompts.pop(identifier, None)
    for key in [each for each in bedrock_agent._prompt_versions if _owner(each) == identifier]:
        del bedrock_agent._prompt_versions[key]


def _owner(key: str) -> str:
    return key.partition("/")[0]


def _create_version(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
    from ministack.services import bedrock_agent

    identifier = str(required(properties, "PromptArn")).rpartition("/")[2]
    made = answered(bedrock_agent._create_prompt_version(identifier, b"{}"))
    attributes = {
        "Arn": made["arn"],
        "PromptId": made["id"],
        "Version": made["version"],
        "Name": made["name"],
    }
    return made["arn"], attributes


def _update_version(arn: str, old: Properties, new: Properties, stack: str) -> Outcome:
    if not replaces(old, new, ("PromptArn", "Description")):
        return arn, {}
    return _create_version("", new, stack)


def _delete_version(arn: str, _properties: Properties) -> None:
    from ministack.services import bedrock_agent

    identifier, _, version = arn.rpartition("/")[2].partition(":")
    bedrock_agent._prompt_versions.pop(f"{identifier}/{version}", None)
