"""Denied topics and contextual grounding by similarity of MiniLM's vectors.

https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-denied-topics.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-contextual-grounding-check.html

AWS asks a model; here a sentence has a topic when it is close to the definition or to an example,
and is grounded when a sentence of the source is close to it. Scores are spread so that thresholds
around 0.7, which AWS's page recommends to begin with, separate what MiniLM calls alike from what
it does not: similarity 0.1 is score 0, 0.6 and more is score 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from local.bedrock.guardrail_parts import Source
from local.models.client import Models
from local.models.extractive import sentences

EXAMPLE_SIMILARITY = 0.6
DEFINITION_SIMILARITY = 0.5
UNALIKE, ALIKE = 0.1, 0.6


def denied_topics(
    models: Models, policy: Mapping[str, Any], source: Source, text: str
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Findings of a topic policy, and whether they block."""
    side = "input" if source == "INPUT" else "output"
    configured = [
        each for each in policy.get("topicsConfig", ()) if each.get(f"{side}Enabled", True)
    ]
    if not configured or not text.strip():
        return
    said = [text[:2000], *sentences(text)]
    described = [[each["definition"], *(each.get("examples") or ())] for each in configured]
    flat = [one for several in described for one in several]
    vectors = dict(zip([*said, *flat], models.vectors([*said, *flat]), strict=True))
    for topic, (definition, *examples) in zip(configured, described, strict=True):
        near = max(_cosine(vectors[each], vectors[definition]) for each in said)
        example = max(
            (_cosine(vectors[each], vectors[one]) for each in said for one in examples),
            default=0.0,
        )
        if near < DEFINITION_SIMILARITY and example < EXAMPLE_SIMILARITY:
            continue
        blocks = topic.get(f"{side}Action", "BLOCK") == "BLOCK"
        finding = {
            "name": topic["name"],
            "type": "DENY",
            "action": "BLOCKED" if blocks else "NONE",
            "detected": True,
        }
        yield finding, blocks


def grounding(
    models: Models,
    policy: Mapping[str, Any],
    *,
    answer: str,
    sources: Sequence[str],
    query: str,
) -> Iterator[tuple[dict[str, Any], bool]]:
    """Scores of a grounding policy, and whether they block; none without a source or a query."""
    if not sources or not query or not answer.strip():
        return
    for configured in policy.get("filtersConfig", ()):
        if not configured.get("enabled", True):
            continue
        kind, threshold = configured["type"], float(configured["threshold"])
        score = (
            _grounded(models, answer, sources)
            if kind == "GROUNDING"
            else _relevant(models, answer, query)
        )
        blocks = score < threshold and configured.get("action", "BLOCK") == "BLOCK"
        finding = {
            "type": kind,
            "threshold": threshold,
            "score": round(score, 2),
            "action": "BLOCKED" if blocks else "NONE",
            "detected": score < threshold,
        }
        yield finding, blocks


def _grounded(models: Models, answer: str, sources: Sequence[str]) -> float:
    """The mean over the answer's sentences of how close the closest sentence of a source is."""
    claims = sentences(answer) or [answer]
    known = [each for source in sources for each in (sentences(source) or [source])]
    vectors = models.vectors([*claims, *known])
    theirs = vectors[len(claims) :]
    scores = [
        spread(max(_cosine(vector, other) for other in theirs)) for vector in vectors[: len(claims)]
    ]
    return sum(scores) / len(scores)


def _relevant(models: Models, answer: str, query: str) -> float:
    claims = sentences(answer) or [answer]
    asked, *vectors = models.vectors([query, *claims])
    return spread(max(_cosine(asked, vector) for vector in vectors))


def spread(similarity: float) -> float:
    """From MiniLM's scale to one from 0 to 1."""
    return min(1.0, max(0.0, (similarity - UNALIKE) / (ALIKE - UNALIKE)))


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
