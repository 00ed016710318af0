"""Chunks of every strategy, without an engine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from local.bedrock.chunking import cut, packed

TEXT = " ".join(f"Sentence {number} has seven words in all." for number in range(30))


def by_letter(texts: Sequence[str]) -> list[list[float]]:
    """Vectors that know one thing: whether a text is about cats."""
    return [[1.0, 0.0] if "cat" in text else [0.0, 1.0] for text in texts]


def fixed(most: int, percent: int) -> dict[str, object]:
    return {
        "chunkingStrategy": "FIXED_SIZE",
        "fixedSizeChunkingConfiguration": {"maxTokens": most, "overlapPercentage": percent},
    }


def test_sentences_stay_whole_and_overlap() -> None:
    chunks = [piece.text for piece in cut(TEXT, fixed(40, 25), by_letter)]
    assert all(chunk.startswith("Sentence") and chunk.endswith("all.") for chunk in chunks)
    for one, other in pairwise(chunks):
        last = f"{one.split('. ')[-1]}"
        assert other.startswith(last)


@given(st.text(max_size=400), st.integers(1, 50), st.integers(0, 30))
def test_nothing_is_lost_and_it_always_ends(text: str, most: int, overlap: int) -> None:
    chunks = packed(text, most=most, overlap=min(overlap, most - 1))
    kept = "".join("".join(chunks).split())
    rest = iter(kept)
    assert all(letter in rest for letter in "".join(text.split()))


def test_hierarchical_children_lie_in_their_parents() -> None:
    configuration = {
        "chunkingStrategy": "HIERARCHICAL",
        "hierarchicalChunkingConfiguration": {
            "levelConfigurations": [{"maxTokens": 80}, {"maxTokens": 20}],
            "overlapTokens": 8,
        },
    }
    pieces = cut(TEXT, configuration, by_letter)
    assert all(piece.parent and piece.text in piece.parent for piece in pieces)
    assert len({piece.parent for piece in pieces}) < len(pieces)


def test_semantic_chunks_break_where_the_subject_changes() -> None:
    text = "The cat sleeps. The cat purrs. A stone lies there. A stone is cold. Stones last."
    configuration = {
        "chunkingStrategy": "SEMANTIC",
        "semanticChunkingConfiguration": {
            "maxTokens": 100,
            "bufferSize": 0,
            "breakpointPercentileThreshold": 80,
        },
    }
    assert [piece.text for piece in cut(text, configuration, by_letter)] == [
        "The cat sleeps. The cat purrs.",
        "A stone lies there. A stone is cold. Stones last.",
    ]


def test_no_chunking_and_no_text() -> None:
    whole = {"chunkingStrategy": "NONE"}
    assert [piece.text for piece in cut(f" {TEXT}\n", whole, by_letter)] == [TEXT]
    assert cut(" \n ", None, by_letter) == []
