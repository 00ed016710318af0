"""Requests of the services that do not speak JSON 1.0: Bedrock's, S3 Vectors and SNS.

The operations are those that our functions call, with method and path from the service models; a
test compares them. SNS has the query protocol alone, whose answers nobody here needs.
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

from edge.message import SIGNING_NAMES, Message

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

JOBS = "/knowledgebases/{knowledgeBaseId}/datasources/{dataSourceId}/ingestionjobs/"
OPERATIONS = {
    ("bedrock-agent", "GetIngestionJob"): ("GET", JOBS + "{ingestionJobId}"),
    ("bedrock-agent", "GetPrompt"): ("GET", "/prompts/{promptIdentifier}/"),
    ("bedrock-agent", "ListIngestionJobs"): ("POST", JOBS),
    ("bedrock-agent", "ListKnowledgeBaseDocuments"): (
        "POST",
        "/knowledgebases/{knowledgeBaseId}/datasources/{dataSourceId}/documents",
    ),
    ("bedrock-agent", "StartIngestionJob"): ("PUT", JOBS),
    ("bedrock-agent-runtime", "Retrieve"): ("POST", "/knowledgebases/{knowledgeBaseId}/retrieve"),
    ("bedrock-runtime", "ApplyGuardrail"): (
        "POST",
        "/guardrail/{guardrailIdentifier}/version/{guardrailVersion}/apply",
    ),
    ("bedrock-runtime", "Converse"): ("POST", "/model/{modelId}/converse"),
    ("bedrock-runtime", "ConverseStream"): ("POST", "/model/{modelId}/converse-stream"),
    ("bedrock-runtime", "InvokeModel"): ("POST", "/model/{modelId}/invoke"),
    ("s3vectors", "DeleteVectors"): ("POST", "/DeleteVectors"),
    ("s3vectors", "GetVectors"): ("POST", "/GetVectors"),
    ("s3vectors", "PutVectors"): ("POST", "/PutVectors"),
    ("s3vectors", "QueryVectors"): ("POST", "/QueryVectors"),
}
QUERY_VERSIONS = {"sns": "2010-03-31"}
BODY = "body"
"""The parameter that is the whole body, as bytes; only InvokeModel has it."""


def message_of(service: str, operation: str, params: Mapping[str, object]) -> Message:
    """The request for an operation. ValueError names one that is not in the table."""
    version = QUERY_VERSIONS.get(service)
    if version is not None:
        return _query(service, operation, version, params)
    known = OPERATIONS.get((service, operation))
    if known is None:
        ours = ", ".join(name for of, name in OPERATIONS if of == service)
        raise ValueError(f"{service}.{operation}: choose one of {ours}, or add it to OPERATIONS")
    method, template = known
    left = dict(params)
    path = _filled(template, left)
    name = f"{SIGNING_NAMES[service]}.{operation}"
    headers = {"accept": "application/json"}
    if operation == "ConverseStream":
        headers = {"accept": "application/vnd.amazon.eventstream"}
    if method == "GET":
        query = urlencode(sorted((key, str(value)) for key, value in left.items()), quote_via=quote)
        return Message(name, headers=headers, body=b"", method=method, path=path, query=query)
    body = left.get(BODY)
    data = body if isinstance(body, bytes) else json.dumps(left).encode()
    headers["content-type"] = "application/json"
    return Message(name, headers=headers, body=data, method=method, path=path)


def _filled(template: str, params: dict[str, object]) -> str:
    """The path with its parameters in it, which are taken out of `params`."""
    parts = []
    for part in template.split("/"):
        if part.startswith("{"):
            value = str(params.pop(part[1:-1], ""))
            if not value:
                raise ValueError(f"{part[1:-1]} is empty; give it")
            part = quote(value, safe="-_.~")
        parts.append(part)
    return "/".join(parts)


def _query(service: str, operation: str, version: str, params: Mapping[str, object]) -> Message:
    form = {"Action": operation, "Version": version, **params}
    return Message(
        f"{service}.{operation}",
        headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
        body=urlencode(form).encode(),
    )
