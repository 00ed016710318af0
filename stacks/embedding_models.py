"""Embedding models that a knowledge base may use, and the dimension that goes with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EmbeddingModel:
    """A foundation model. `dimensions` has the model's own choice first.

    `chooses_dimension`: whether Bedrock takes a dimension with the request; other models have one,
    and a knowledge base that names it nevertheless is refused.
    """

    dimensions: tuple[int, ...]
    tokens: int
    chooses_dimension: bool = False


# https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-supported.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/titan-embedding-models.html
# https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed-v3.html
EMBEDDING_MODELS: Mapping[str, EmbeddingModel] = {
    "amazon.titan-embed-text-v2:0": EmbeddingModel(
        dimensions=(1024, 512, 256), tokens=8192, chooses_dimension=True
    ),
    "amazon.titan-embed-text-v1": EmbeddingModel(dimensions=(1536,), tokens=8192),
    "cohere.embed-english-v3": EmbeddingModel(dimensions=(1024,), tokens=512),
    "cohere.embed-multilingual-v3": EmbeddingModel(dimensions=(1024,), tokens=512),
}


@dataclass(frozen=True, kw_only=True)
class Embedding:
    """How a text becomes numbers. Index and knowledge base get it whole.

    So the index never has another dimension than the vectors that are put into it, which no judge
    of templates would notice.
    """

    model_id: str
    dimension: int

    @property
    def model(self) -> EmbeddingModel:
        """What is known about the model."""
        return EMBEDDING_MODELS[self.model_id]
