"""Documents to chunks, by the strategies that a data source may have.

https://docs.aws.amazon.com/bedrock/latest/userguide/kb-chunking.html. A token is a word or a sign
here; AWS counts tokens of the embedding model, so its chunks are somewhat shorter. Sentences stay
whole as long as one fits into a chunk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.models.extractive import Vectors

DEFAULT_TOKENS = 300
DEFAULT_OVERLAP_PERCENT = 20
_SENTENCE = re.compile(r"[^\n]+?(?:[.!?]+[\"')\]]*(?=\s)|\n|\Z)|\n", re.DOTALL)
_TOKEN = re.compile(r"\w+|[^\w\s]")
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk; `parent` is what is handed out in its place, of hierarchical chunking."""

    text: str
    parent: str | None = None


def cut(text: str, configuration: Mapping[str, Any] | None, vectors: Vectors) -> list[Piece]:
    """The chunks of a document, by a `chunkingConfiguration`; none for an empty one."""
    if not text.strip():
        return []
    chosen = configuration or {}
    strategy = chosen.get("chunkingStrategy", "DEFAULT")
    if strategy == "NONE":
        return [Piece(text.strip())]
    if strategy == "HIERARCHICAL":
        return _hierarchical(text, chosen["hierarchicalChunkingConfiguration"])
    if strategy == "SEMANTIC":
        return _semantic(text, chosen["semanticChunkingConfiguration"], vectors)
    fixed = chosen.get("fixedSizeChunkingConfiguration") or {}
    most = int(fixed.get("maxTokens", DEFAULT_TOKENS))
    percent = int(fixed.get("overlapPercentage", DEFAULT_OVERLAP_PERCENT))
    return [Piece(each) for each in packed(text, most=most, overlap=most * percent // 100)]


def packed(text: str, *, most: int, overlap: int) -> list[str]:
    """Whole sentences up to `most` tokens; the next chunk begins `overlap` tokens earlier."""
    spans = _spans(text, most)
    counts = [_count(text[start:end]) for start, end in spans]
    chunks, first = [], 0
    while first < len(spans):
        last, total = first, counts[first]
        while last + 1 < len(spans) and total + counts[last + 1] <= most:
            last += 1
            total += counts[last]
        chunk = text[spans[first][0] : spans[last][1]].strip()
        if chunk:
            chunks.append(chunk)
        if last + 1 == len(spans):
            break
        first = _begin(counts, first, last, overlap)
    return chunks


def _begin(counts: Sequence[int], first: int, last: int, overlap: int) -> int:
    """Where the next chunk starts: as many sentences back as fit into the overlap."""
    begin, repeated = last + 1, 0
    while begin - 1 > first and repeated + counts[begin - 1] <= overlap:
        begin -= 1
        repeated += counts[begin]
    return begin


def _hierarchical(text: str, configuration: Mapping[str, Any]) -> list[Piece]:
    parents, children = (int(each["maxTokens"]) for each in configuration["levelConfigurations"])
    overlap = int(configuration["overlapTokens"])
    return [
        Piece(child, parent)
        for parent in packed(text, most=parents, overlap=min(overlap, parents // 2))
        for child in packed(parent, most=children, overlap=min(overlap, children // 2))
    ]


def _semantic(text: str, configuration: Mapping[str, Any], vectors: Vectors) -> list[Piece]:
    """A new chunk where one sentence is less like the next than most are.

    Each is compared with `bufferSize` sentences around it, and the break is at the percentile.
    """
    most = int(configuration["maxTokens"])
    buffer = int(configuration["bufferSize"])
    spans = [each for each in _spans(text, most) if text[each[0] : each[1]].strip()]
    if len(spans) < 3:
        return [Piece(each) for each in packed(text, most=most, overlap=0)]
    groups = [
        text[spans[max(0, place - buffer)][0] : spans[min(len(spans) - 1, place + buffer)][1]]
        for place in range(len(spans))
    ]
    made = vectors(groups)
    distances = [1 - _dot(made[place], made[place + 1]) for place in range(len(made) - 1)]
    limit = _percentile(distances, int(configuration["breakpointPercentileThreshold"]))
    chunks, start = [], 0
    for place in range(len(spans)):
        whole = text[spans[start][0] : spans[place][1]]
        full = place > start and _count(whole) > most
        if full:
            chunks.append(text[spans[start][0] : spans[place - 1][1]])
            start = place
        if place == len(spans) - 1 or distances[place] > limit:
            chunks.append(text[spans[start][0] : spans[place][1]])
            start = place + 1
    return [Piece(each.strip()) for each in chunks if each.strip()]


def _spans(text: str, most: int) -> list[Span]:
    """Sentences, and pieces of those that are longer than a chunk."""
    found: list[Span] = []
    for match in _SENTENCE.finditer(text):
        tokens = [token.start() for token in _TOKEN.finditer(match.group())]
        if len(tokens) <= most:
            found.append(match.span())
            continue
        starts = [match.start() + tokens[place] for place in range(0, len(tokens), most)]
        starts[0] = match.start()
        found += list(zip(starts, [*starts[1:], match.end()], strict=True))
    return found


def _count(text: str) -> int:
    return len(_TOKEN.findall(text))


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
