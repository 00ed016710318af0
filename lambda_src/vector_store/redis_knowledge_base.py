"""Custom::RedisKnowledgeBase: a knowledge base on Redis Enterprise Cloud.

Bedrock's API has this store, CloudFormation's type has not
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-bedrock-knowledgebase.html).

An event may come more than once
(https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html): the token
of a creation is the event's own, so Bedrock makes one
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent_CreateKnowledgeBase.html).
"""

from __future__ import annotations

import json

from vector_store.custom_resource import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vector_store.custom_resource import Deadline, Outcome, Properties


def create(properties: Properties, deadline: Deadline) -> Outcome:
    """Create it, and wait until it can be used. The role may not have spread yet.

    What cannot be used is deleted again: CloudFormation is not told of it, and its name would stay
    taken.
    """
    from botocore.exceptions import ClientError

    client = _client()
    request = json.loads(str(properties["Request"]))
    attempt = 0
    while True:
        try:
            made = client.create_knowledge_base(clientToken=properties["RequestId"], **request)
            break
        except ClientError as error:
            unable = "unable to assume" in str(error).lower()
            if not unable or not deadline.pause(attempt):
                raise RefusedError(str(error)) from None
            attempt += 1
    identifier = str(made["knowledgeBase"]["knowledgeBaseId"])
    try:
        return _ready(client, identifier, deadline)
    except (ClientError, RefusedError) as refusal:
        try:
            delete(identifier, properties, deadline)
        except RefusedError as left:
            raise RefusedError(f"{refusal}; delete {identifier} by hand: {left}") from None
        raise RefusedError(str(refusal)) from None


def update(identifier: str, properties: Properties, deadline: Deadline) -> Outcome:
    """Storage and model can only be replaced, and then the name is another one.

    The tag is what lets this function change or delete it.
    """
    client = _client()
    request = json.loads(str(properties["Request"]))
    known = client.get_knowledge_base(knowledgeBaseId=identifier)["knowledgeBase"]
    client.tag_resource(resourceArn=known["knowledgeBaseArn"], tags=request["tags"])
    if known["name"] != request["name"]:
        return create(properties, deadline)
    kept = ("name", "description", "roleArn", "knowledgeBaseConfiguration", "storageConfiguration")
    client.update_knowledge_base(
        knowledgeBaseId=identifier, **{name: request[name] for name in kept if name in request}
    )
    return _ready(client, identifier, deadline)


def delete(identifier: str, _properties: Properties, deadline: Deadline) -> None:
    """Delete it, and wait until it has gone: the role goes next."""
    from botocore.exceptions import ClientError

    client = _client()
    attempt = 0
    try:
        client.delete_knowledge_base(knowledgeBaseId=identifier)
        while deadline.pause(attempt):
            status = client.get_knowledge_base(knowledgeBaseId=identifier)["knowledgeBase"][
                "status"
            ]
            if status == "DELETE_UNSUCCESSFUL":
                raise RefusedError(f"Bedrock could not delete {identifier}")
            attempt += 1
    except ClientError as error:
        if error.response["Error"]["Code"] not in (
            "ResourceNotFoundException",
            "NotFoundException",
        ):
            raise RefusedError(str(error)) from None


def _ready(client: Any, identifier: str, deadline: Deadline) -> Outcome:
    attempt = 0
    while True:
        known = client.get_knowledge_base(knowledgeBaseId=identifier)["knowledgeBase"]
        if known["status"] == "ACTIVE":
            arn = known["knowledgeBaseArn"]
            return identifier, {"KnowledgeBaseId": identifier, "KnowledgeBaseArn": arn}
        if known["status"] == "FAILED" or not deadline.pause(attempt):
            reasons = "; ".join(known.get("failureReasons", [])) or known["status"]
            raise RefusedError(f"knowledge base {identifier}: {reasons}")
        attempt += 1


def _client() -> Any:
    import boto3

    return boto3.client("bedrock-agent")
