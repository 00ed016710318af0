"""Chunks in memory: what is put again and again stays whole."""

from __future__ import annotations

import pytest

from local.stores.chunk_index import ChunkIndex
from local.stores.store import Chunk, StoreError

NUMBER = 4


def chunk(number: int, version: int) -> Chunk:
    vector = [float(place == number) for place in range(NUMBER)]
    return Chunk(id=f"c{number}", text=f"version {version}", source_uri="s", vector=vector)


def test_chunks_that_are_put_again_and_again_are_all_found() -> None:
    """The index is rebuilt when more than half of its rows are replaced ones."""
    index = ChunkIndex(NUMBER, space="cosinesimil")
    for version in range(8):
        index.put([chunk(number, version) for number in range(NUMBER)])
        for number in range(NUMBER):
            (hit,) = index.search(vector=chunk(number, 0).vector, limit=1)
            assert (hit.chunk.id, hit.chunk.text) == (f"c{number}", f"version {version}")
        assert index.count() == NUMBER


def test_a_refused_put_takes_nothing_away() -> None:
    index = ChunkIndex(NUMBER, space="l2")
    index.put([chunk(0, 0)])
    wrong = Chunk(id="c0", text="wrong", source_uri="s", vector=[1.0])
    with pytest.raises(StoreError, match="dimensions"):
        index.put([wrong])
    assert index.search(vector=chunk(0, 0).vector, limit=1)[0].chunk.text == "version 0"
