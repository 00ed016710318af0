"""What the chat function says of a setting that is missing, and of what is no setting."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from edge.aws import Aws
from edge.http_api import Problem, Request
from tests.lambdas.scripted_server import Answer, ScriptedServer

SETTINGS = {
    "MODEL_ID": "m", "KNOWLEDGE_BASE_ID": "KB12345678", "KNOWLEDGE_TABLE": "k",
    "CONVERSATIONS_TABLE": "c",
}  # fmt: skip
ASKED = Request(
    method="POST", path=["chat"], headers={}, caller="ann",
    body=json.dumps({"question": "How long?", "conversation_id": "c1"}).encode(),
)  # fmt: skip


@pytest.fixture
def asking() -> Any:
    """Imported where there is a Region, as in Lambda."""
    return importlib.import_module("chat.asking")


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_is_missing_is_named(
    asking: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for each, value in SETTINGS.items():
        if each != name:
            monkeypatch.setenv(each, value)
    with pytest.raises(Problem, match=f"500 Misconfigured: {name} is not set; deploy again"):
        asking.answered({}, ASKED)


def test_what_else_is_missing_is_no_setting(asking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of nobody's making, without a time to live."""
    turn = {"conversation": {"S": "k"}, "turn": {"S": "00000001"}}
    with ScriptedServer(Answer(content={"Items": [turn]})) as server:
        for each, value in {**SETTINGS, "AWS_ENDPOINT_URL": server.url}.items():
            monkeypatch.setenv(each, value)
        monkeypatch.setattr(asking, "AWS", Aws())
        with pytest.raises(KeyError, match="expires_at"):
            asking.answered({}, ASKED)
