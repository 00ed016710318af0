"""What stands in for the embedding model where it is not installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.models import client
from local.models.client import Models
from local.models.hashed_words import hashed_vectors


def test_common_words_make_texts_alike() -> None:
    texts = ["Does a queue keep messages?", "A queue keeps the message.", "Bananas ripen early."]
    (asked, near, far), counts = hashed_vectors(texts, 384)
    assert counts[0] == 5
    assert _dot(asked, near) > 0.3 > abs(_dot(asked, far))
    assert _dot(asked, asked) == pytest.approx(1)


def test_without_the_wheel_no_process_starts_and_the_name_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(client, "installed", lambda *places: False)
    models = Models(log=tmp_path / "models.log", cache=None)
    assert len(models.vectors(["a queue"])[0]) == 384
    assert "no embedding model is installed" in models.embedded_by
    assert models.state() == {"process": "starts with the first request"}


def _dot(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
