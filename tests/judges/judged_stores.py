"""Synthesize, with every judge inside synth, the vector stores that no stage or variant has."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.judges.judged_synthesis import GATE, STRICT
from tests.stacks.knowledge_synthesis import synthesize

STORES = (
    "opensearch_managed",
    "redis_enterprise_cloud",
    "pinecone",
    "opensearch_serverless kept",
    "aurora_postgresql kept",
)

if __name__ == "__main__":
    target = Path(sys.argv[1])
    for each in STORES:
        synthesize(each, target / each, context={**STRICT, "groundwork:nag": ",".join(GATE)})
