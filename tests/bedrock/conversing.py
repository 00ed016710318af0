"""Models, documents and an order to cite them, and how to ask."""

from __future__ import annotations

from typing import Any

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-english-v3"
NOVA = "eu.amazon.nova-lite-v1:0"
SMALL = "us.meta.llama3-2-1b-instruct-v1:0"
DOCUMENTS = (
    '<document index="1" source="s3://b/a">A queue keeps messages for four days by default. '
    "Retention can be set up to fourteen days.</document>\n"
    '<document index="2" source="s3://b/b">A topic sends messages on to its subscribers.</document>'
)
SYSTEM = (
    "Answer from the documents and cite them like [1]. Write NOT_IN_DOCUMENTS, and nothing else, "
    "when they do not answer."
)


def ask(runtime: Any, text: str, **more: Any) -> dict[str, Any]:
    return runtime.converse(  # type: ignore[no-any-return]
        **{"modelId": NOVA, "messages": [{"role": "user", "content": [{"text": text}]}], **more}
    )


def said(answer: dict[str, Any]) -> str:
    return str(answer["output"]["message"]["content"][0]["text"])
