"""What a sentence may only have when its source has it too: links, markup, code.

A reader follows a link and copies a command, so that nearly right is wrong here. Links and tags are
compared letter by letter, code however it is spaced.
"""

from __future__ import annotations

import re

from chat.words import plain

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
    if not code:
        return False
    known = _squeezed(within)
    return any(_squeezed(each) not in known for each in code)


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


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.lower())
