"""Recordings in files: a line per question, so that a difference can be read.

The golden set and its documents are needed to read them, as `evaluation.compact` says why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

from evaluation.compact import citation_at, packed, place_of, quoted, unpacked
from evaluation.golden.golden_set import GoldenSet
from evaluation.recording import Answered, CacheAsked, Recording, RecordingError

FOLDER = Path(__file__).parent / "recorded"
FORM = 3
_HEAD = ("store", "chunking", "model", "where", "botocore")
_RARE = {"answered": True, "stopped": False, "cached": False, "failed": False}
"""What is written down only where it is otherwise."""
RETRIEVED, ANSWERS = "retrieved ", "answers "


class RecordedFiles:
    """The files of a folder, read with a golden set and the texts of its documents."""

    def __init__(self, folder: Path, golden: GoldenSet, texts: Mapping[str, str]) -> None:
        self._folder = folder
        self._texts = texts
        self._right = {each.id: each.documents for each in golden.questions}

    def all(self) -> list[Recording]:
        """All recordings. Raises RecordingError, also when there is none."""
        found = [self.read(path) for path in sorted(self._folder.glob("*.json"))]
        if not found:
            raise RecordingError(f"{self._folder}: holds no recording; make one with --record")
        return found

    def keep(self, recording: Recording) -> Path:
        """Write a recording, over what was recorded of the same deployment before."""
        path = self._folder / f"{recording.name}.json"
        whole = recording.over(self.read(path) if path.is_file() else None)
        self._folder.mkdir(parents=True, exist_ok=True)
        path.write_text("{\n" + ",\n".join(self._blocks(whole)) + "\n}\n", encoding="utf-8")
        return path

    def read(self, path: Path) -> Recording:
        """A recording. Raises RecordingError."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["form"] != FORM:
                raise RecordingError(
                    f"{path}: form is {content['form']}, this program reads {FORM}; delete it and "
                    "record it again with --record"
                )
            return self._recording(content)
        except (OSError, KeyError, TypeError, ValueError) as error:
            if isinstance(error, RecordingError):
                raise
            raise RecordingError(
                f"{path}: {error!r}; delete it and record it again with --record"
            ) from error

    def _blocks(self, recording: Recording) -> Iterator[str]:
        yield f'"form": {FORM}'
        for key in _HEAD:
            yield f'"{key}": {json.dumps(getattr(recording, key))}'
        if recording.made_with:
            yield f'"made_with": {json.dumps(recording.made_with)}'
        for search, found in recording.retrieved.items():
            yield _block(
                f"{RETRIEVED}{search}",
                ((id_, packed(each, self._right.get(id_, ()))) for id_, each in found.items()),
            )
        for technique in dict.fromkeys(each.technique for each in recording.answers):
            said = (each for each in recording.answers if each.technique == technique)
            yield _block(f"{ANSWERS}{technique}", ((each.id, self._line(each)) for each in said))
        yield f'"cache": {json.dumps([astuple(each) for each in recording.cache])}'

    def _line(self, each: Answered) -> Mapping[str, Any]:
        rare = {key: getattr(each, key) for key in _RARE if getattr(each, key) != _RARE[key]}
        cited = [place_of(one, self._texts) for one in each.citations]
        own_words = each.answer != quoted([one.quote for one in each.citations])
        return {
            "ms": each.milliseconds,
            **rare,
            **({"said": each.answer} if own_words else {}),
            **({"cited": cited} if cited else {}),
        }

    def _recording(self, content: Mapping[str, Any]) -> Recording:
        return Recording(
            **{key: content[key] for key in _HEAD},
            retrieved={
                key.removeprefix(RETRIEVED): {
                    id_: unpacked(text, self._right.get(id_, ())) for id_, text in found.items()
                }
                for key, found in content.items()
                if key.startswith(RETRIEVED)
            },
            answers=[
                self._answered(key.removeprefix(ANSWERS), id_, line)
                for key, lines in content.items()
                if key.startswith(ANSWERS)
                for id_, line in lines.items()
            ],
            cache=[
                CacheAsked(same=bool(same), right=bool(right), wrong=bool(wrong))
                for same, right, wrong in content["cache"]
            ],
            made_with=dict(content.get("made_with", {})),
        )

    def _answered(self, technique: str, id_: str, line: Mapping[str, Any]) -> Answered:
        citations = [citation_at(place, self._texts) for place in line.get("cited", ())]
        return Answered(
            id=id_,
            technique=technique,
            answer=line.get("said", quoted([each.quote for each in citations])),
            milliseconds=line["ms"],
            citations=citations,
            **{key: line.get(key, usual) for key, usual in _RARE.items()},
        )


def _block(name: str, lines: Iterable[tuple[str, Any]]) -> str:
    rows: Sequence[str] = [
        f"{json.dumps(id_)}: {json.dumps(value, ensure_ascii=False)}" for id_, value in lines
    ]
    return f"{json.dumps(name)}: {{\n" + ",\n".join(rows) + "\n}"
