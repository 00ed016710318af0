"""Golden questions in the format of Bedrock's evaluation jobs."""

from __future__ import annotations

import json

import pytest

from evaluation.bedrock_questions import main
from evaluation.golden.golden_set import golden_set


def test_every_line_is_a_conversation_of_one_turn(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--questions", "7"]) == 0
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    golden = {each.question: each.reference for each in golden_set().questions}
    assert len(written) == 7
    for line in written:
        (turn,) = line.pop("conversationTurns")
        assert line == {} and turn.keys() == {"prompt", "referenceResponses"}
        (asked,) = turn["prompt"]["content"]
        ((right,),) = (each["content"] for each in turn["referenceResponses"])
        assert golden[asked["text"]] == right["text"]


def test_more_than_bedrock_takes_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--questions", "1001"])
    assert "Bedrock takes 1 to 1000" in capsys.readouterr().err
