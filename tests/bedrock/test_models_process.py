"""The models' process by itself: started when needed, its vectors kept, ended with its owner."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.models.client import Models, ModelsError, padded
from local.models.coverage import coverage
from local.models.extractive import pick
from local.models.files import EMBEDDING, TOKENIZER, installed

pytestmark = pytest.mark.skipif(
    not installed(EMBEDDING, TOKENIZER), reason="the embedding model is not installed"
)
TEXTS = ["A queue keeps messages.", "", "Zürich lies on a lake. " * 200, "A queue keeps messages."]


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    made = Models(log=tmp_path / "models.log", cache=tmp_path / "cache.sqlite")
    yield made
    made.stop()


def test_vectors_are_computed_once_and_kept(models: Models, tmp_path: Path) -> None:
    vectors, tokens = models.embed(TEXTS)
    assert vectors[0] == vectors[3] != vectors[1]
    assert tokens[2] > 256 > tokens[0]
    assert "loading all-MiniLM-L6-v2" in (tmp_path / "models.log").read_text()
    pid = int(models.state()["pid"])
    models.stop()
    assert not Path(f"/proc/{pid}").exists() or _gone(pid)
    with pytest.raises(ModelsError, match="stopping"):
        models.embed(["one more"])

    again = Models(log=tmp_path / "models.log", cache=tmp_path / "cache.sqlite")
    try:
        assert again.embed(TEXTS) == (vectors, tokens)
        assert again.state()["embedding"].endswith(": installed")  # no need to load it
    finally:
        again.stop()


def test_a_killed_process_is_started_again(models: Models) -> None:
    first = models.vectors(TEXTS[:1])
    os.kill(int(models.state()["pid"]), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while models.state()["process"] == "up" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert models.vectors(TEXTS[:1]) == first


def test_sentences_are_picked_by_meaning_and_none_is_invented(models: Models) -> None:
    passages = [
        "Topics fan messages out to subscribers. Queues hold them.",
        "By default a message is retained for four days. Retention is set per queue.",
    ]
    picked = pick("For how long is a message kept?", passages, models.vectors)
    assert picked[0].sentence == "By default a message is retained for four days."
    assert picked[0].passage == 1
    assert all(each.sentence in passages[each.passage] for each in picked)
    assert pick("Who wrote Faust?", passages, models.vectors) == []


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("How long is a message retained by a queue?", True),
        ("How do I set the retention of the queue named ORDERS?", True),
        ("How do I set the retention of a Kafka topic in a cluster?", False),
        ("How many consumers may a queue have?", False),
        ("When was the queue invented?", False),
    ],
)
def test_passages_on_the_subject_that_leave_the_question_open_answer_nothing(
    models: Models, question: str, answered: bool
) -> None:
    passages = ["Queues hold messages for consumers.", "The retention of a queue is set in days.",
                "By default a queue retains a message for four days."]  # fmt: skip
    assert bool(pick(question, passages, models.vectors)) is answered


@pytest.mark.parametrize(
    ("question", "share"),
    [
        ("How do I delete an alias?", 1.0),
        ("In Lambda, how do I delete the alias named BLUE of my-function?", 1.0),
        ("How do I rename an alias?", 0.5),
        ("Who wrote Faust?", 0.0),
        ("Is it?", 0.0),
    ],
)
def test_a_question_is_covered_by_words_but_for_the_names_of_own_things(
    question: str, share: float
) -> None:
    assert coverage(question, ["Other.", "Deletes aliases of Lambda."]) == share


def test_zeros_change_no_angle() -> None:
    one, other = [0.6, 0.8], [1.0, 0.0]
    assert sum(a * b for a, b in zip(padded(one, 8), padded(other, 8), strict=True)) == 0.6


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
