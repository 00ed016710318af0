"""Vectors without a model: what stands in when the embedding model's wheel cannot be installed.

A word goes to a place and a sign by its hash, rare endings cut off, so texts with common words are
alike and nothing else is. Retrieval works and understands nothing; answers say who made them.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Sequence

NAME = "none (hashed words: no embedding model is installed)"
_WORD = re.compile(r"[a-z0-9]+")
_ENDING = re.compile(r"(?:ing|ed|es|e|s)$")
_EMPTY = frozenset(
    """
    a an and are be by do for how i in is it of on or that the this to what when which with
    """.split()  # noqa: SIM905 (a list of them is four lines longer)
)


def hashed_vectors(texts: Sequence[str], dimension: int) -> tuple[list[list[float]], list[int]]:
    """Unit vectors, and numbers of words."""
    counted = [_WORD.findall(text.lower()) for text in texts]
    return [_vector(words, dimension) for words in counted], [len(words) for words in counted]


def _vector(words: Sequence[str], dimension: int) -> list[float]:
    vector = [0.0] * dimension
    for word in words:
        if word in _EMPTY:
            continue
        digest = hashlib.blake2b(_ENDING.sub("", word).encode(), digest_size=8).digest()
        number = int.from_bytes(digest, "big")
        vector[number % dimension] += 1.0 if number >> 63 else -1.0
    length = math.sqrt(sum(each * each for each in vector))
    if not length:
        return [1.0, *vector[1:]]
    return [each / length for each in vector]
