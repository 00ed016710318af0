"""How a recording is kept small and can still be scored: places instead of texts.

A search is a letter per rank: `a` for the first of the documents that answer, `b` for the second,
`.` for any other; behind it the best score. A citation is a place in the document that
`evaluation.golden.documents` makes again, with a checksum: when the document has changed, the quote
is lost and counts as one that is not there. An answer that is its quotes and nothing else, as the
local answerer's are, is not written down again.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from evaluation.recording import Citation, Found

OTHER = "."
LETTERS = "abcdefgh"
"""As many documents as one question may have."""


def packed(found: Found, right: Sequence[str]) -> str:
    """A search, by the documents that answer."""
    letters = dict(zip(right, LETTERS, strict=False))
    ranks = "".join(letters.get(name, OTHER) for name in found.ranked)
    return f"{ranks} {found.score:.3f}"


def unpacked(text: str, right: Sequence[str]) -> Found:
    """The same again; documents that do not answer have lost their names."""
    ranks, _, score = text.partition(" ")
    names = dict(zip(LETTERS, right, strict=False))
    return Found(ranked=[names.get(letter, "") for letter in ranks], score=float(score))


def place_of(citation: Citation, texts: Mapping[str, str]) -> list[str | int]:
    """Document, first character, length and checksum; the words themselves where they are not."""
    at = texts.get(citation.document, "").find(citation.quote) if citation.quote else -1
    if at < 0:
        return [citation.document, citation.quote]
    return [citation.document, at, len(citation.quote), _checksum(citation.quote)]


def citation_at(place: Sequence[str | int], texts: Mapping[str, str]) -> Citation:
    """The citation again, without a quote when the document says something else there now."""
    document = str(place[0])
    if len(place) == 2:
        return Citation(document=document, quote=str(place[1]))
    at, length, checksum = (int(number) for number in place[1:])
    quote = texts.get(document, "")[at : at + length]
    return Citation(document=document, quote=quote if _checksum(quote) == checksum else "")


def quoted(quotes: Sequence[str]) -> str:
    """The answer that says what its citations quote, sentence by sentence."""
    said = [quote.strip(" \t-*•") for quote in quotes]
    return " ".join(
        f"{each if each[-1:] in '.!?' else f'{each}.'} [{index}]"
        for index, each in enumerate(said, start=1)
    )


def _checksum(text: str) -> int:
    return zlib.crc32(text.encode())
