"""What a vector store costs while nobody asks, and for a million questions.

`python -m costs.vector_stores` prints the table of docs/vector-stores.md, which a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from costs.prices import HOURS_PER_MONTH, price

CHUNKS = 100_000
DIMENSION = 1024
TEXT_BYTES, FILTERED_BYTES = 1_500, 200
QUESTIONS = 1_000_000
"""In a month, evenly: one every three seconds, so that nothing rests."""
TIER = 100_000
LARGE = 1_000_000
LEAST_AURORA_UNITS, LEAST_NEXTGEN_UNITS = 0.5, 2.0
"""Of a database that is awake; of a collection that indexes and searches with one unit each."""
CLASSIC_UNITS = 1.0
"""Half a unit for indexing and half for searching; twice that with standby replicas."""
DOMAIN_NODES, DOMAIN_VOLUME_GB = 2, 20
SECRETS = 2


def stored_gb() -> float:
    """Vectors of four bytes a number, and their text."""
    return CHUNKS * (DIMENSION * 4 + TEXT_BYTES + FILTERED_BYTES) / 1e9


def idle() -> Mapping[str, float]:
    """US dollars a month, by store."""
    unit = price("opensearch.serverless.capacity") * HOURS_PER_MONTH
    storage = price("opensearch.serverless.storage") * stored_gb()
    return {
        "opensearch_serverless nextgen": storage,
        "opensearch_serverless classic standby": 2 * CLASSIC_UNITS * unit,
        "opensearch_serverless classic": CLASSIC_UNITS * unit,
        "opensearch_managed": DOMAIN_NODES
        * (
            price("opensearch.t3.medium.search") * HOURS_PER_MONTH
            + price("opensearch.gp3") * DOMAIN_VOLUME_GB
        ),
        "aurora_postgresql": price("aurora.storage") * stored_gb(),
        "aurora_postgresql secrets": price("secretsmanager.secret") * SECRETS,
        "s3_vectors": price("s3vectors.storage") * stored_gb(),
    }


def questions() -> Mapping[str, float]:
    """US dollars for a million, where questions are paid for, or what is awake for them."""
    hours = HOURS_PER_MONTH
    return {
        "opensearch_serverless nextgen unit": price("opensearch.serverless.capacity"),
        "opensearch_serverless nextgen": (
            price("opensearch.serverless.capacity") * LEAST_NEXTGEN_UNITS * hours
        ),
        "aurora_postgresql unit": price("aurora.serverless_v2.capacity"),
        "aurora_postgresql": price("aurora.serverless_v2.capacity") * LEAST_AURORA_UNITS * hours,
        "s3_vectors": price("s3vectors.queries") * QUESTIONS / 1e6,
        "s3_vectors data": _looking_through(CHUNKS),
        "s3_vectors large": _looking_through(LARGE),
    }


def _looking_through(vectors: int) -> float:
    """What S3 looks through for all questions; beyond a tier it costs half."""
    bytes_each = DIMENSION * 4 + FILTERED_BYTES
    first, rest = min(vectors, TIER), max(0, vectors - TIER)
    dollars = (
        first * price("s3vectors.query_data") + rest * price("s3vectors.query_data_beyond")
    ) / 1e9
    return dollars * bytes_each * QUESTIONS


if __name__ == "__main__":
    for heading, table in (("idle, a month", idle()), ("a million questions", questions())):
        print(heading)
        for store, dollars in table.items():
            print(f"  {store:40} {dollars:8.2f}")
