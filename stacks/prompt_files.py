"""Prompts as files: `prompts/<name>.v<number>.toml`, the newest of each name deployed.

A version that was deployed is not edited but followed by the next one, so that evaluations of both
can be compared; older ones can be chosen by setting, as long as what they say of answers holds: one
that asks for what is no longer shown is deleted. What the texts have to keep to is in
lambda_src/chat/__init__.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROMPTS = Path(__file__).resolve().parent.parent / "prompts"
NAME = re.compile(r"(?P<name>[a-z_]+)\.v(?P<version>[1-9]\d*)\.toml")
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
KEYS = {"description", "max_tokens", "temperature", "top_p", "stop_sequences", "system", "messages"}
ROLES = ("user", "assistant")


class PromptFileError(ValueError):
    """A prompt that is missing or cannot be deployed; says which, and what to do."""


@dataclass(frozen=True, kw_only=True)
class PromptFile:
    """One version of one prompt; `messages` are role and text. It has a temperature or a top_p."""

    name: str
    version: int
    description: str
    system: str
    messages: Sequence[tuple[str, str]]
    max_tokens: int
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: tuple[str, ...] = ()

    @property
    def variables(self) -> list[str]:
        """Names in double braces, as Bedrock wants them declared."""
        text = " ".join([self.system, *(text for _, text in self.messages)])
        return sorted(set(VARIABLE.findall(text)))

    @property
    def digest(self) -> str:
        """Changes with everything that a model would see."""
        seen = {name: value for name, value in vars(self).items() if name != "description"}
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:12]


def prompt_files(chosen: Iterable[str] = (), *, folder: Path = PROMPTS) -> list[PromptFile]:
    """The newest version of every prompt, or the one that `chosen` names, such as `rag.v2`.

    Raises PromptFileError.
    """
    found = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    newest: dict[str, tuple[int, str]] = {}
    for stem, path in found.items():
        match = NAME.fullmatch(path.name)
        if match is None:
            raise PromptFileError(f"prompts/{path.name}: rename it to NAME.vNUMBER.toml")
        newest[match["name"]] = max(
            newest.get(match["name"], (0, "")), (int(match["version"]), stem)
        )
    for choice in chosen:
        name, _, version = choice.rpartition(".v")
        if choice not in found:
            raise PromptFileError(f"there is no prompts/{choice}.toml: there is {', '.join(found)}")
        newest[name] = (int(version), choice)
    return [
        _read(found[stem], name=name, version=version)
        for name, (version, stem) in sorted(newest.items())
    ]


def _read(path: Path, *, name: str, version: int) -> PromptFile:
    where = f"prompts/{path.name}"
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PromptFileError(f"{where} is no TOML: {error}") from error
    if unknown := set(content) - KEYS:
        raise PromptFileError(
            f"{where}: there is no {', '.join(sorted(unknown))}; there is {', '.join(sorted(KEYS))}"
        )
    if missing := {"description", "max_tokens", "system", "messages"} - set(content):
        raise PromptFileError(f"{where} lacks {', '.join(sorted(missing))}; add it")
    _check_sampling(where, content)
    messages = _messages(where, content["messages"])
    return PromptFile(
        name=name,
        version=version,
        description=content["description"],
        system=content["system"].strip(),
        messages=messages,
        max_tokens=content["max_tokens"],
        temperature=content.get("temperature"),
        top_p=content.get("top_p"),
        stop_sequences=tuple(content.get("stop_sequences", ())),
    )


def _check_sampling(where: str, content: Mapping[str, object]) -> None:
    """Claude Sonnet 4.5 and Claude Haiku 4.5 refuse a request with both.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
    """
    given = [name for name in ("temperature", "top_p") if name in content]
    if len(given) == 2:
        raise PromptFileError(
            f"{where}: leave out one of temperature and top_p: Claude 4.5 takes no prompt with both"
        )
    if not given:
        raise PromptFileError(f"{where} lacks temperature; add it, or top_p")


def _messages(where: str, given: Sequence[Mapping[str, str]]) -> list[tuple[str, str]]:
    """Turns as Converse takes them: user and assistant by turns, a user first and last."""
    messages = [(each["role"], each["text"].strip()) for each in given]
    expected = [ROLES[place % 2] for place in range(len(messages))]
    if [role for role, _ in messages] != expected or len(messages) % 2 == 0:
        raise PromptFileError(
            f"{where}: messages have to be of user and assistant by turns, and begin and end with "
            "user"
        )
    return messages
