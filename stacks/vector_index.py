"""What an index for vectors is made of: the one place that stack, benchmark and tests read.

Measured by `python -m bench.rag`: `ef_search` decides the recall, `m` and `ef_construction` what
building costs.
"""

from __future__ import annotations

from dataclasses import dataclass

# Bedrock's own fields are called what its console calls them
# (https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html).
VECTOR_FIELD = "bedrock-knowledge-base-default-vector"
TEXT_FIELD = "AMAZON_BEDROCK_TEXT_CHUNK"
METADATA_FIELD = "AMAZON_BEDROCK_METADATA"
# Euclidean distance, which sorts vectors of length 1 as the angle does.
SPACE = "l2"


@dataclass(frozen=True, kw_only=True)
class Hnsw:
    """Parameters of a graph of small worlds, Hierarchical Navigable Small World.

    m: neighbours of a vector; ef_construction: candidates while the graph is built; ef_search:
    candidates of a search
    (https://docs.opensearch.org/latest/field-types/supported-field-types/knn-methods-engines/).
    """

    m: int = 16
    ef_construction: int = 128
    ef_search: int = 128


DEFAULT_HNSW = Hnsw()
