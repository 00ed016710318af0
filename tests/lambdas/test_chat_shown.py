"""What a reader gets of answers as models write them: no more than the documents say, and nothing
that says something else than the whole answer does.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from chat.citations import CitedAnswer
from chat.passages import Passage

TABLE = tomllib.loads(Path(__file__).with_name("shown_answers.toml").read_text(encoding="utf-8"))
ROWS = [tuple(row) for row in TABLE["shown"]["answers"]]
MARK = re.compile(r"\s*\[\d+(?:, ?\d+)*\]")


def shown(names: list[str], question: str, says: str, *, size: int) -> tuple[CitedAnswer, str]:
    passages = [Passage(TABLE["documents"][each], source=f"s3://docs/{each}.txt", chunk=each)
                for each in names]  # fmt: skip
    released: list[str] = []
    answer = CitedAnswer(passages, question=question, release=released.append)
    for at in range(0, len(says), size):
        answer.feed(says[at : at + size])
    answer.finish()
    return answer, "".join(released)


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize(
    ("names", "question", "says", "expected"), ROWS, ids=[row[2][:40] for row in ROWS]
)
def test_a_reader_gets_of_an_answer(
    names: list[str], question: str, says: str, expected: str, size: int
) -> None:
    answer, text = shown(names, question, says, size=size)
    if expected == "whole":
        assert _unmarked(text) == _unmarked(says) and answer.withheld == 0
    else:
        assert text == expected and answer.withheld > 0
        assert ("…" in text) == bool(text)


def test_most_of_what_the_documents_say_is_shown() -> None:
    """Rows that are not whole are inventions, conclusions, or say what a chunk does not spell."""
    assert sum(row[3] == "whole" for row in ROWS) >= 90


def _unmarked(text: str) -> str:
    return " ".join(re.sub(r"\.(?=\.|$)", "", MARK.sub("", text), flags=re.MULTILINE).split())


def test_code_is_shown_so_that_it_can_be_copied() -> None:
    says = next(row for row in ROWS if "import boto3" in row[2])
    _, text = shown(*says[:3], size=3)
    (block,) = re.findall(r"```python\n.*?\n```\n(?=\[\d\])", text, re.DOTALL)
    assert f"{block}" in says[2] and "[" not in block
