"""What was found and answered, as it is kept: enough to score it again without asking again.

The texts of chunks are left out: they are parts of documents that `evaluation.golden.documents`
makes again, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"
FORM = 1


class RecordingError(ValueError):
    """A recording that cannot be used; the message names file, field and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A document that an answer cites, and the words in it that it means."""

    document: str
    quote: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One answer of the chat API. `answered` is false when it said that it does not know,
    `failed` when no answer came in time.
    """

    id: str
    technique: str
    answer: str
    answered: bool
    stopped: bool = False
    cached: bool = False
    failed: bool = False
    milliseconds: float = 0
    citations: Sequence[Citation] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheAsked:
    """The second question of a pair: whether the first one's answer came, and whether it may."""

    same: bool
    hit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One run against one deployment. `retrieved`: by search type and question, best first."""

    store: str
    chunking: str
    model: str
    where: str
    botocore: str
    retrieved: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    answers: Sequence[Answered] = ()
    cache: Sequence[CacheAsked] = ()

    @property
    def name(self) -> str:
        """How it is told from others."""
        return f"{self.store}-{self.chunking}"

    def over(self, folder: Path = FOLDER) -> Recording:
        """This one with what an earlier recording of the same deployment has besides.

        Techniques, searches and the cache can so be recorded one after the other.
        """
        path = folder / f"{self.name}.json"
        if not path.is_file():
            return self
        earlier = load(path)
        asked = {each.technique for each in self.answers}
        return replace(
            self,
            retrieved={
                search: {**earlier.retrieved.get(search, {}), **self.retrieved.get(search, {})}
                for search in (*earlier.retrieved, *self.retrieved)
            },
            answers=[
                *(each for each in earlier.answers if each.technique not in asked),
                *self.answers,
            ],
            cache=self.cache or earlier.cache,
        )

    def save(self, folder: Path = FOLDER) -> Path:
        """Write it, an answer per line, so that a difference can be read."""
        head = {"form": FORM, **{key: getattr(self, key) for key in _HEAD}}
        lines = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
        for search, found in self.retrieved.items():
            rows = [f"{json.dumps(id_)}: {json.dumps(list(names))}" for id_, names in found.items()]
            lines.append(f'"retrieved {search}": {{\n{_joined(rows)}\n}}')
        lines.append(f'"answers": [\n{_joined(_line(asdict(each)) for each in self.answers)}\n]')
        lines.append(f'"cache": [\n{_joined(_line(asdict(each)) for each in self.cache)}\n]')
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        return path


_HEAD = ("store", "chunking", "model", "where", "botocore")


def load(path: Path) -> Recording:
    """Read a recording. Raises RecordingError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["form"] != FORM:
            raise RecordingError(
                f"{path}: form is {content['form']}, this program reads {FORM}; record it again"
            )
        return _recording(content)
    except (OSError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise RecordingError(f"{path}: {error!r}; record it again with --record") from error


def recordings(folder: Path = FOLDER) -> list[Recording]:
    """All of a folder. Raises RecordingError, also when there is none."""
    found = [load(path) for path in sorted(folder.glob("*.json"))]
    if not found:
        raise RecordingError(f"{folder}: holds no recording; make one with --record")
    return found


def _recording(content: Mapping[str, Any]) -> Recording:
    return Recording(
        **{key: content[key] for key in _HEAD},
        retrieved={
            key.partition(" ")[2]: value
            for key, value in content.items()
            if key.startswith("retrieved ")
        },
        answers=[
            Answered(**{**each, "citations": [Citation(**one) for one in each["citations"]]})
            for each in content["answers"]
        ],
        cache=[CacheAsked(**each) for each in content["cache"]],
    )


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False)


def _joined(lines: Any) -> str:
    return ",\n".join(lines)
