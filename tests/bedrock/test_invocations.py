"""InvokeModel: embeddings and each maker's body, its shapes and its errors."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.bedrock.conversing import COHERE, DOCUMENTS, TITAN

pytestmark = pytest.mark.xdist_group("bedrock")


def embed(runtime: Any, body: dict[str, Any], model: str = TITAN) -> dict[str, Any]:
    answer = runtime.invoke_model(modelId=model, body=json.dumps(body))
    content: dict[str, Any] = json.loads(answer["body"].read())
    return content


@pytest.mark.parametrize("dimension", [256, 512, 1024])
def test_titan_embeds_by_meaning(runtime: Any, dimension: int) -> None:
    vectors = [
        embed(runtime, {"inputText": text, "dimensions": dimension})["embedding"]
        for text in ("A queue stores messages.", "Messages are kept in a queue.", "I like bananas.")
    ]
    assert {len(each) for each in vectors} == {dimension}
    assert all(math.isclose(sum(x * x for x in each), 1, rel_tol=1e-4) for each in vectors)
    near, far = (sum(a * b for a, b in zip(vectors[0], each, strict=True)) for each in vectors[1:])
    assert near > 0.7 > 0.3 > far


def test_titans_answer_has_the_documented_members(runtime: Any) -> None:
    answer = embed(runtime, {"inputText": "queue", "embeddingTypes": ["float", "binary"]})
    assert set(answer) == {"embedding", "embeddingsByType", "inputTextTokenCount"}
    assert set(answer["embeddingsByType"]["binary"]) == {0, 1}
    assert answer["inputTextTokenCount"] == 3  # begin, word, end


def test_cohere_embeds_many_at_once(runtime: Any) -> None:
    texts = ["a queue", "a topic"]
    body = {"texts": texts, "input_type": "search_document"}
    answer = embed(runtime, body, COHERE)
    assert answer["response_type"] == "embeddings_floats"
    assert [len(each) for each in answer["embeddings"]] == [1024, 1024]
    by_type = embed(runtime, {**body, "embedding_types": ["float"]}, COHERE)
    assert by_type["embeddings"]["float"] == answer["embeddings"]


@pytest.mark.parametrize(
    ("model", "body", "message"),
    [
        (TITAN, {}, "required key [inputText] not found"),
        (TITAN, {"inputText": "a", "texts": []}, "extraneous key [texts] is not permitted"),
        (TITAN, {"inputText": ""}, "minLength"),
        (TITAN, {"inputText": "a", "dimensions": 300}, "300 is not a valid enum value"),
        (TITAN, {"inputText": "a " * 9000}, "Too many input tokens"),
        (COHERE, {"texts": ["a"]}, "required key [input_type] not found"),
        (COHERE, {"texts": ["a"] * 97, "input_type": "search_query"}, "1 to 96 items"),
        ("amazon.rerank-v1:0", {}, "Rerank"),
    ],
)
def test_malformed_bodies_are_refused(
    runtime: Any, model: str, body: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as refused:
        embed(runtime, body, model)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert message in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("model", "body", "text"),
    [
        (
            "anthropic.claude-3-haiku-20240307-v1:0",
            {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 100,
                "messages": [{"role": "user", "content": "PROMPT"}],
            },
            lambda body: body["content"][0]["text"],
        ),
        (
            "amazon.nova-lite-v1:0",
            {"messages": [{"role": "user", "content": [{"text": "PROMPT"}]}]},
            lambda body: body["output"]["message"]["content"][0]["text"],
        ),
        (
            "amazon.titan-text-express-v1",
            {"inputText": "PROMPT"},
            lambda body: body["results"][0]["outputText"],
        ),
    ],
    ids=["anthropic", "nova", "titan"],
)
def test_each_makers_body(runtime: Any, model: str, body: dict[str, Any], text: Any) -> None:
    prompt = f"{DOCUMENTS}\nQuestion: How long does a queue keep messages?"
    filled = json.loads(json.dumps(body).replace("PROMPT", json.dumps(prompt)[1:-1]))
    assert text(embed(runtime, filled, model)).startswith("A queue keeps messages for four days")


def test_anthropics_stream_of_chunks(runtime: Any) -> None:
    body = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": f"{DOCUMENTS}\nQuestion: What is a topic for?"}],
    }
    answer = runtime.invoke_model_with_response_stream(
        modelId="anthropic.claude-3-haiku-20240307-v1:0", body=json.dumps(body)
    )
    chunks = [json.loads(each["chunk"]["bytes"]) for each in answer["body"]]
    assert [chunks[0]["type"], chunks[-1]["type"]] == ["message_start", "message_stop"]
    text = "".join(
        each["delta"]["text"] for each in chunks if each["type"] == "content_block_delta"
    )
    assert "subscribers" in text
