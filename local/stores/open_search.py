"""OpenSearch: the indices that were deployed into collections and domains, each on faiss and BM25.

What an index is made of is read from its deployed mapping, as the service reads it: the vector
field's dimension, engine, space and graph, `ef_search` from the settings
(https://docs.opensearch.org/latest/mappings/supported-field-types/knn-methods-engines/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.stores.chunk_index import ChunkIndex
from local.stores.store import Store, StoreError
from local.stores.vector_index import Hnsw, Space

# OpenSearch's own values where the mapping is silent.
DEFAULTS = Hnsw(m=16, ef_construction=100, ef_search=100)
MOST_DIMENSIONS = 16_000
# In domains; collections alone know it:
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrievalFilter.html
UNSUPPORTED = ("startsWith",)
SPACES: dict[str, Space] = {
    "l2": "l2",
    "cosinesimil": "cosinesimil",
    "innerproduct": "innerproduct",
}


@dataclass(frozen=True, kw_only=True)
class OpenSearchIndex:
    """A deployed index: its mapping, and what is stored under its vector field."""

    fields: Mapping[str, Mapping[str, Any]]
    vector_field: str
    chunks: ChunkIndex


# By collection id or domain ARN, and the index's name.
INDICES: dict[tuple[str, str], OpenSearchIndex] = {}


def create_index(owner: str, name: str, body: Mapping[str, Any]) -> OpenSearchIndex:
    """PUT /name with mappings and settings in OpenSearch's own JSON. Raises StoreError."""
    if (owner, name) in INDICES:
        raise StoreError(f"[resource_already_exists_exception] index [{name}] already exists")
    fields = dict(body.get("mappings", {}).get("properties", {}))
    vectors = [each for each, field in fields.items() if field.get("type") == "knn_vector"]
    if len(vectors) != 1:
        raise StoreError(
            f"[mapper_parsing_exception] index [{name}] needs one field of type knn_vector for a "
            f"knowledge base, it has {len(vectors)}"
        )
    settings = _index_settings(body)
    if str(settings.get("knn", "false")).lower() != "true":
        raise StoreError(
            f"[mapper_parsing_exception] index [{name}] has a knn_vector field, and its setting "
            "index.knn is not true"
        )
    managed = owner.startswith("arn:")
    index = OpenSearchIndex(
        fields=fields,
        vector_field=vectors[0],
        chunks=_chunk_index(fields[vectors[0]], settings, UNSUPPORTED if managed else ()),
    )
    INDICES[owner, name] = index
    return index


def delete_index(owner: str, name: str) -> bool:
    """Whether there was one."""
    return INDICES.pop((owner, name), None) is not None


def delete_owner(owner: str) -> None:
    """A collection or domain goes with everything in it."""
    for key in [each for each in INDICES if each[0] == owner]:
        del INDICES[key]


def open_index(owner: str, name: str, field_mapping: Mapping[str, str]) -> Store:
    """The store of a knowledge base. Raises StoreError as OpenSearch answers Bedrock."""
    index = INDICES.get((owner, name))
    if index is None:
        raise StoreError(f"Request failed: [index_not_found_exception] no such index [{name}]")
    vector_field = field_mapping["vectorField"]
    if vector_field != index.vector_field:
        raise StoreError(
            f"Field '{vector_field}' is not knn_vector type in index [{name}]; the vector field "
            f"there is '{index.vector_field}'"
        )
    return index.chunks


def _index_settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """`{"index": {"knn": true}}` and `{"index.knn": true}` are the same to OpenSearch."""
    given = body.get("settings", {})
    flat = {name.removeprefix("index."): value for name, value in given.items() if name != "index"}
    return {**flat, **given.get("index", {})}


def _chunk_index(
    field: Mapping[str, Any], settings: Mapping[str, Any], unsupported: Sequence[str]
) -> ChunkIndex:
    method = field.get("method", {})
    dimension = int(field.get("dimension", 0))
    if not 1 <= dimension <= MOST_DIMENSIONS:
        raise StoreError(
            f"[mapper_parsing_exception] Dimension value must be between 1 and {MOST_DIMENSIONS}, "
            f"and is {dimension}"
        )
    engine = method.get("engine", "faiss")
    if engine != "faiss":
        raise StoreError(
            f"the index's engine is {engine}; a knowledge base needs faiss "
            "(https://docs.aws.amazon.com/bedrock/latest/userguide/knowledge-base-setup.html)"
        )
    if method.get("name", "hnsw") != "hnsw":
        raise StoreError(f"the method {method['name']} is not played locally, only hnsw is")
    space = method.get("space_type", field.get("space_type", "l2"))
    if space not in SPACES:
        raise StoreError(f"space_type {space} is not played locally; one of {', '.join(SPACES)}")
    parameters = method.get("parameters", {})
    ef_search = parameters.get(
        "ef_search", settings.get("knn.algo_param.ef_search", DEFAULTS.ef_search)
    )
    return ChunkIndex(
        dimension,
        space=SPACES[space],
        hnsw=Hnsw(
            m=int(parameters.get("m", DEFAULTS.m)),
            ef_construction=int(parameters.get("ef_construction", DEFAULTS.ef_construction)),
            ef_search=int(ef_search),
        ),
        unsupported=unsupported,
    )
