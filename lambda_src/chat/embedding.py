"""Vectors of questions, for the cache: the embedding model by its own request format.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge.aws import Aws


def vector_of(
    aws: Aws, text: str, *, model_id: str, dimension: int, timeout_seconds: float
) -> list[float]:
    """The vector of a question. Raises AwsError; ValueError for another length than the index's."""
    request: dict[str, object]
    if "cohere." in model_id:
        request = {"texts": [text], "input_type": "search_query", "embedding_types": ["float"]}
    else:
        request = {"inputText": text}
        if "titan-embed-text-v2" in model_id:
            request |= {"dimensions": dimension, "normalize": True}
    with aws.within(timeout_seconds):
        answer = aws.call(
            "bedrock-runtime", "InvokeModel", modelId=model_id, body=json.dumps(request).encode()
        )
    found = answer.get("embedding")
    if found is None:
        found = (answer.get("embeddings") or {}).get("float", [[]])[0]
    vector = [float(number) for number in found]
    if len(vector) != dimension:
        raise ValueError(
            f"{model_id} gave {len(vector)} numbers; set EMBEDDING_DIMENSION ({dimension}) to that"
        )
    return vector
