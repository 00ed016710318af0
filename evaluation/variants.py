"""What is compared with each other: stores and chunkings, each on a local AWS of its own.

A fresh one for each, because a store is replaced with its knowledge base, and because a cache that
knows the questions already is not measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.asking import TECHNIQUES
from evaluation.deployment import DeploymentError

if TYPE_CHECKING:
    from local.session import LocalAws

STACK = "Groundwork-dev-Assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Settings of a deployment, and what it is asked."""

    settings: Mapping[str, str] = field(default_factory=dict)
    techniques: Sequence[str] = ("rag",)
    every_question: bool = False
    cache: bool = False
    outside: str = ""
    """Where a store outside AWS is; its settings name a secret, which has to be made first."""


PROD = {"knowledge.vector_store": "opensearch_serverless"}
"""dev has another store, which does not search words."""
VARIANTS: Mapping[str, Variant] = {
    "default": Variant(settings=PROD, techniques=TECHNIQUES, every_question=True, cache=True),
    "hierarchical": Variant(settings={**PROD, "knowledge.chunking": "hierarchical"}),
    "semantic": Variant(settings={**PROD, "knowledge.chunking": "semantic"}),
    "s3_vectors": Variant(settings={"knowledge.vector_store": "s3_vectors"}),
    "aurora_postgresql": Variant(settings={"knowledge.vector_store": "aurora_postgresql"}),
    "opensearch_managed": Variant(settings={"knowledge.vector_store": "opensearch_managed"}),
    "pinecone": Variant(
        settings={"knowledge.vector_store": "pinecone"}, outside="https://chunks.svc.pinecone.io"
    ),
    "redis_enterprise_cloud": Variant(
        settings={"knowledge.vector_store": "redis_enterprise_cloud"},
        outside="redis.example.com:12345",
    ),
}


def chosen_variants(named: str) -> Sequence[str]:
    """Names out of `all` or a list with commas. Raises DeploymentError."""
    wanted = tuple(VARIANTS) if named == "all" else tuple(named.split(","))
    if unknown := set(wanted) - set(VARIANTS):
        raise DeploymentError(
            f"--variants: {', '.join(sorted(unknown))} is none of {', '.join(VARIANTS)}"
        )
    return wanted


@contextmanager
def deployed(variant: Variant) -> Iterator[str]:
    """The URL of a local AWS with this variant; it ends with the block. Raises DeploymentError."""
    from local.session import LocalAws, LocalAwsError

    with tempfile.TemporaryDirectory(prefix="groundwork-evaluation-") as folder:
        try:
            with LocalAws(state=Path(folder) / "state") as aws:
                settings = {**variant.settings, **_outside(aws, variant)}
                options = [f"{name}={value}" for name, value in settings.items()]
                aws.cdk("deploy", STACK, *(part for each in options for part in ("-c", each)))
                yield aws.endpoint
        except LocalAwsError as error:
            raise DeploymentError(str(error)) from error


def _outside(aws: LocalAws, variant: Variant) -> Mapping[str, str]:
    """The settings of a store outside AWS; locally any key is the right one."""
    if not variant.outside:
        return {}
    made = aws.client("secretsmanager").create_secret(
        Name="vector-store", SecretString='{"apiKey": "k"}'
    )
    return {"knowledge.secret_arn": made["ARN"], "knowledge.endpoint": variant.outside}
