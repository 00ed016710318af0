"""Bedrock's embedding models, played by MiniLM with zeros behind its 384 numbers.

Zeros change neither angles nor distances, so an index of 512, 1,024 or 1,536 dimensions works as it
does with the model that it was made for. Titan's 256 are the first 256 numbers, scaled to length
1, which is what its documentation says of shorter vectors, at a loss that is MiniLM's own.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from local.bedrock.errors import invalid
from local.bedrock.model_ids import Model
from local.models.client import Models, padded
from local.models.embedding import DIMENSION

TITAN_TOKENS = 8192
TITAN_CHARACTERS = 50_000
TITAN_DIMENSIONS = (1024, 512, 256)
TITAN_TYPES = ("float", "binary")
COHERE_TEXTS = 96
COHERE_CHARACTERS = 2048
COHERE_INPUTS = ("search_document", "search_query", "classification", "clustering")
COHERE_TRUNCATE = ("NONE", "START", "LEFT", "RIGHT", "END")
DIMENSIONS: Mapping[str, int] = {
    "amazon.titan-embed-text-v1": 1536,
    "amazon.titan-embed-text-v2:0": 1024,
    "cohere.embed-english-v3": 1024,
    "cohere.embed-multilingual-v3": 1024,
}
Body = Mapping[str, Any]


def fitted(vector: Sequence[float], dimension: int) -> list[float]:
    """A unit vector of the wanted dimension."""
    if dimension >= DIMENSION:
        return padded(vector, dimension)
    first = vector[:dimension]
    length = math.sqrt(sum(number * number for number in first))
    return [number / length for number in first]


def embed(models: Models, model: Model, body: Body) -> tuple[dict[str, Any], int]:
    """The body of InvokeModel's answer, and the tokens that went in. Raises BedrockError."""
    if model.family == "amazon":
        return _titan(models, model, body)
    return _cohere(models, model, body)


def _titan(models: Models, model: Model, body: Body) -> tuple[dict[str, Any], int]:
    newer = model.id.startswith("amazon.titan-embed-text-v2")
    allowed = {"inputText"} | ({"dimensions", "normalize", "embeddingTypes"} if newer else set())
    _check_keys(body, allowed, required="inputText")
    text = body["inputText"]
    if not isinstance(text, str):
        raise _malformed("#/inputText: expected type: String")
    if not text:
        raise _malformed("#/inputText: expected minLength: 1, actual: 0")
    if len(text) > TITAN_CHARACTERS:
        raise _malformed(
            f"#/inputText: expected maxLength: {TITAN_CHARACTERS}, actual: {len(text)}"
        )
    dimension = body.get("dimensions", DIMENSIONS[model.id])
    if newer and dimension not in TITAN_DIMENSIONS:
        raise _malformed(f"#/dimensions: {dimension} is not a valid enum value")
    types = body.get("embeddingTypes", ["float"])
    if not isinstance(types, list) or not types or set(types) - set(TITAN_TYPES):
        raise _malformed(f"#/embeddingTypes: {types} is not a list of {', '.join(TITAN_TYPES)}")
    (vector,), (tokens,) = models.embed([text])
    if tokens > TITAN_TOKENS:
        raise invalid(
            f"400 Bad Request: Too many input tokens. Max input tokens: {TITAN_TOKENS}, "
            f"request input token count: {tokens}"
        )
    numbers = fitted(vector, dimension)
    answer: dict[str, Any] = {"inputTextTokenCount": tokens}
    if "float" in types:
        answer["embedding"] = numbers
    if newer:
        made = {"float": numbers, "binary": [int(number > 0) for number in numbers]}
        answer["embeddingsByType"] = {kind: made[kind] for kind in types}
    return answer, tokens


def _cohere(models: Models, model: Model, body: Body) -> tuple[dict[str, Any], int]:
    allowed = {"texts", "input_type", "truncate", "embedding_types"}
    _check_keys(body, allowed, required="texts", also="input_type")
    texts = body["texts"]
    if not isinstance(texts, list) or not 1 <= len(texts) <= COHERE_TEXTS:
        raise _malformed(f"#/texts: expected 1 to {COHERE_TEXTS} items")
    for place, text in enumerate(texts):
        if not isinstance(text, str) or not 1 <= len(text) <= COHERE_CHARACTERS:
            raise _malformed(f"#/texts/{place}: expected a text of 1 to {COHERE_CHARACTERS}")
    if body["input_type"] not in COHERE_INPUTS:
        raise _malformed(f"#/input_type: {body['input_type']} is not a valid enum value")
    if body.get("truncate", "NONE") not in COHERE_TRUNCATE:
        raise _malformed(f"#/truncate: {body['truncate']} is not a valid enum value")
    types = body.get("embedding_types")
    if types is not None and types != ["float"]:
        raise invalid(f"embedding_types {types} are not played by the local AWS; only float is")
    vectors, tokens = models.embed(texts)
    numbers = [fitted(vector, DIMENSIONS[model.id]) for vector in vectors]
    answer = {
        "id": str(uuid.uuid4()),
        "texts": texts,
        "response_type": "embeddings_by_type" if types else "embeddings_floats",
        "embeddings": {"float": numbers} if types else numbers,
    }
    return answer, sum(tokens)


def _check_keys(body: Body, allowed: set[str], *, required: str, also: str = "") -> None:
    for name in (required, also):
        if name and name not in body:
            raise _malformed(f"#: required key [{name}] not found")
    for name in body:
        if name not in allowed:
            raise _malformed(f"#: extraneous key [{name}] is not permitted")


def _malformed(what: str) -> Exception:
    return invalid(f"Malformed input request: {what}, please reformat your input and try again.")
