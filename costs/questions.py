"""What a thousand questions cost that are answered from documents, and a thousand documents.

`python -m costs.questions` prints what docs/costs.md says, which a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from costs.prices import price

INPUT_TOKENS, OUTPUT_TOKENS = 2_200, 200
"""Five chunks of 300 tokens, the prompt and the conversation; an answer of a few sentences."""
QUESTION_TOKENS = 20
POLICIES = ("content_filters", "denied_topics", "personal_data")
POLICY_UNITS = 3
"""Text units of 1,000 characters: the question, the answer, and what the prompt has around them."""
GROUNDING_UNITS = 10
"""Five chunks of 1,500 characters, the question, the answer."""
MODELS = (
    "nova-micro",
    "nova-lite",
    "nova-2-lite",
    "nova-pro",
    "claude-haiku-4-5",
    "claude-sonnet-4-5",
)
CACHED = 10_000
"""Answers in the cache's index."""
ENTRY_BYTES = 1_024 * 4 + 3_000
"""A vector of Titan's, and an answer with its citations."""
DOCUMENT_TOKENS = 1_000
OVERLAP = 1.2
"""Chunks repeat a fifth of each other, by default."""
TENANT_METRICS = 12
"""What lambda_src/chat/measures.py reports of each tenant."""


def model(name: str) -> float:
    """US dollars of a thousand answers, without an inference profile or with the global one."""
    used = INPUT_TOKENS * price(f"bedrock.{name}.input")
    return used + OUTPUT_TOKENS * price(f"bedrock.{name}.output")


def others() -> Mapping[str, float]:
    """US dollars of a thousand questions, beside the model."""
    policies = sum(price(f"bedrock.guardrail.{each}") for each in POLICIES)
    return {
        "guardrail, policies": POLICY_UNITS * policies,
        "guardrail, grounding": GROUNDING_UNITS * price("bedrock.guardrail.grounding"),
        "rerank, amazon": 1000 * price("bedrock.amazon-rerank-v1"),
        "rerank, cohere": 1000 * price("bedrock.cohere-rerank-v3-5"),
        "embedding": QUESTION_TOKENS * price("bedrock.titan-embed-text-v2.input"),
    }


def cache() -> float:
    """US dollars of a thousand questions that ask the cache on S3 Vectors and find nothing: a query
    each, what it looks through, and what is put; the exact words first are one GetVectors more,
    whose price the list does not have.
    """
    looked_through = CACHED * ENTRY_BYTES / 1e9 * price("s3vectors.query_data")
    put = ENTRY_BYTES / 1e9 * price("s3vectors.put")
    return 1000 * (price("s3vectors.queries") / 1e6 + looked_through + put)


def documents() -> float:
    """US dollars of embedding a thousand documents once."""
    return DOCUMENT_TOKENS * OVERLAP * price("bedrock.titan-embed-text-v2.input")


def tenant() -> float:
    """US dollars a month for the metrics of a tenant who asks in every hour."""
    return TENANT_METRICS * price("cloudwatch.metric")


if __name__ == "__main__":
    for each in MODELS:
        print(f"{each:24} {model(each):8.2f}")
    for what, dollars in others().items():
        print(f"{what:24} {dollars:8.4f}")
    print(f"{'cache':24} {cache():8.4f}")
    print(f"{'documents':24} {documents():8.4f}")
    print(f"{'metrics of a tenant':24} {tenant():8.2f}")
