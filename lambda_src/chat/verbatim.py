"""What a sentence may only have when its source has it too: links, markup, code.

A reader follows a link and copies a command, so that nearly right is wrong here. Links, tags and
the lines of a block are compared letter by letter, code in a sentence however it is spaced.
"""

from __future__ import annotations

import re
from functools import lru_cache

from chat.words import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_REST = r"[^\s<>\"'`)\]}]"
LINK = re.compile(
    rf"(?<![\w+.\-])[a-z][a-z0-9+.\-]{{1,30}}://{_REST}+"
    rf"|(?<![\w+.\-])(?:data|file|javascript|mailto|tel|vbscript):{_REST}+"
    r"|(?<![\w.+\-@])[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+"
    rf"|(?<![\w.\-@])(?:[\w\-]+\.)+[^\W\d_]{{2,}}(?![\w@])(?:[/?#:]{_REST}+)?",
    re.IGNORECASE,
)
"""With a scheme, an address, or a name with dots, which many clients make a link of."""
TARGET = re.compile(r"\]\(\s{0,9}<?([^\s)>]+)")
"""Of a link or an image in Markdown."""
TAG = re.compile(r"</?[a-z][^<>\s]*", re.IGNORECASE)
CODE = re.compile(
    r"\b(?=\w*[a-z0-9][A-Z]|\w*[^\W_]_)\w{5,}\b|`([^`\n]{1,200})`|(?<![\w\-])(--[a-z][\w\-]+)"
)
"""Words such as `StartExecution` or `max_tokens`, what is between backticks, options."""
_PART = re.compile(r"[^\W\d_]+?(?=[^\W\d_a-z][a-z]|(?<=[a-z])[A-Z]|[\W\d_]|\Z)|\d+")
"""Of a word: `Start` and `Execution` of `StartExecution`."""


def unknown(text: str, *, within: str) -> bool:
    """Whether a text has a link, a tag or code that `within` lacks: a model that answers from its
    memory names what it remembers, and one that obeys a document may send a reader away.
    """
    text = plain(text)
    spelled = [match.group().rstrip(".,;:!?*_~") for match in LINK.finditer(text)]
    spelled += TARGET.findall(text) + TAG.findall(text)
    if spelled:
        there = plain(within).lower()
        if not all(_stands(each.lower(), there) for each in spelled):
            return True
    code = [match.group(1) or match.group() for match in CODE.finditer(text)]
    return bool(code) and not all(map(_named_in(plain(within)), code))


def run(lines: Sequence[str], text: str) -> tuple[int, int] | None:
    """Where a text has the lines one after the other, each whole and however it is spaced; None
    when it lacks one or has them in another order.
    """
    at, first = 0, None
    for line in lines:
        match = _line(line).search(text, at)
        if match is None:
            return None
        at, first = match.end(), match.start() if first is None else first
    return None if first is None else (first, at)


@lru_cache(maxsize=64)
def _line(line: str) -> re.Pattern[str]:
    """A line that neither begins nor ends within a word, a path or an option."""
    pattern = r"\s++".join(map(re.escape, line.split()))
    if not any(map(str.isalnum, line)):
        return re.compile(pattern)
    ends = r"(?![\w\-/@]|\.\w)" if _is_word(line.rstrip()[-1], "-/") else ""
    return re.compile(rf"(?<![\w\-./@]){pattern}{ends}")


def _named_in(text: str) -> Callable[[str], bool]:
    """Whether a text has the words of a name, of which neither the first nor the last is a part of
    another: `QueueTypes` where it says `queue types`, but not `bak` for `backup`.
    """
    words = " ".join(("", *(each.lower() for each in _PART.findall(text)), ""))
    letters = words.replace(" ", "")

    def named(name: str) -> bool:
        name = re.sub(r"[\W_]+", "", name.lower())
        if not name or name not in letters:
            return not name
        return bool(re.search(rf" {' ?'.join(name)}(?:e?s)? ", words))

    return named


def _stands(word: str, text: str) -> bool:
    """Whether a text has a word that neither begins nor goes on there: of a link, a whole host."""
    at = text.find(word)
    while at >= 0:
        before, after = text[max(0, at - 1) : at], text[at + len(word) : at + len(word) + 2]
        if not (_is_word(word[:1]) and _is_word(before, "-.@")) and not (
            _is_word(word[-1:]) and (_is_word(after[:1], "-@") or _goes_on(after))
        ):
            return True
        at = text.find(word, at + 1)
    return False


def _is_word(character: str, more: str = "") -> bool:
    return bool(character) and (character.isalnum() or character == "_" or character in more)


def _goes_on(after: str) -> bool:
    return after[:1] == "." and _is_word(after[1:])
