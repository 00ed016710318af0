"""What is asked of a service, in its protocol: JSON 1.0 here, the others in edge/rest_json.py.

Only functions that call the others' services load that.

https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TARGETS = {"dynamodb": "DynamoDB_20120810", "sqs": "AmazonSQS"}
"""The services and the prefix of their x-amz-target header, from their service models."""
SIGNING_NAMES = {
    "bedrock-agent": "bedrock",
    "bedrock-agent-runtime": "bedrock",
    "bedrock-runtime": "bedrock",
    "s3vectors": "s3vectors",
    "sns": "sns",
}
"""The services of edge/rest_json.py and the names that they are signed for."""


class Message:
    """One request, without what signing adds. `path` is quoted and follows the endpoint's."""

    __slots__ = ("body", "headers", "method", "name", "path", "query")

    def __init__(
        self,
        name: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        method: str = "POST",
        path: str = "/",
        query: str = "",
    ) -> None:
        self.name = name
        self.headers = headers
        self.body = body
        self.method = method
        self.path = path
        self.query = query


def message_of(service: str, operation: str, params: Mapping[str, object]) -> Message:
    """The request for an operation."""
    target = TARGETS.get(service)
    if target is None:
        from edge import rest_json

        return rest_json.message_of(service, operation, params)
    name = f"{target}.{operation}"
    return Message(
        name,
        headers={"content-type": "application/x-amz-json-1.0", "x-amz-target": name},
        body=json.dumps(params).encode(),
    )
