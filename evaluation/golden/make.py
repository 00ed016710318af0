"""`python -m evaluation.golden.make`: questions.json and cache_pairs.json from botocore.

botocore's examples-1.json holds titles and descriptions that people wrote for an example of one
operation. Put as a question, the operation's document is the answer: known, and not by a model.
The reference answer is what the documentation says first of the operation. Where a title belongs to
several operations, each of them is right.

Nothing is random and nothing is read but botocore: the same version gives the same bytes.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.golden.documents import SERVICES, texts
from local.corpus import models

HERE = Path(__file__).parent
SHORTEST, LONGEST = 25, 160
"""Characters of what was written about an example; shorter is vague, longer is a story."""
MOST_ANSWERS = 3
REFERENCE_SENTENCES = 2
PAIRS = 40
NAMES = {
    "autoscaling": "Auto Scaling",
    "cloud9": "Cloud9",
    "ecr": "ECR",
    "efs": "EFS",
    "elb": "Elastic Load Balancing",
    "glacier": "Glacier",
    "inspector": "Inspector",
    "lambda": "Lambda",
    "polly": "Polly",
    "secretsmanager": "Secrets Manager",
    "servicediscovery": "Cloud Map",
}

_TITLE = re.compile(r"^to ((?!obtain|do)\w[\w ,'()/-]+?)\W*$", re.IGNORECASE)
_DESCRIPTION = re.compile(
    r"^(?:the following|this|the|following) (?:example|operation|command)s? "
    r"(?:code )?(?:shows how to )?(\w+) (.+?)[.:\s]*$",
    re.IGNORECASE,
)
_NOT_SAID = re.compile(r"\d{5}|arn:|example1|\.\s| and \w+s (?:the|a|an|retries) ")
"""Identifiers, more than one sentence, and more than one verb."""
_NOT_THE_ANSWER = re.compile(
    r"recommend|superseded|DEPRECATED|[Ff]or (?:more|conceptual) information"
)
"""Sentences that come before what an operation does, or point elsewhere."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_WORD = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Example:
    """What people wrote about one example of an operation."""

    document: str
    title: str
    description: str


def examples() -> Iterator[Example]:
    """In the order of services, operations and examples."""
    for model in models():
        service = model.parent.parent.name
        path = model.with_name("examples-1.json")
        if service not in SERVICES:
            continue
        for operation, written in sorted(_json(path).get("examples", {}).items()):
            for each in written:
                yield Example(
                    f"{service}/{operation}",
                    " ".join(each.get("title", "").split()),
                    " ".join(each.get("description", "").split()),
                )


def questions() -> list[dict[str, Any]]:
    """One question per different wording, with all documents that answer it."""
    answers: dict[str, list[str]] = defaultdict(list)
    for example in examples():
        asked = described(example) or titled(example)
        if asked and example.document not in answers[asked]:
            answers[asked].append(example.document)
    kept = {asked: right for asked, right in answers.items() if len(right) <= MOST_ANSWERS}
    return [
        {
            "id": f"q{number:03}",
            "question": asked,
            "documents": right,
            "reference": reference(right[0]),
        }
        for number, (asked, right) in enumerate(kept.items(), start=1)
    ]


def cache_pairs() -> list[dict[str, Any]]:
    """Two wordings of one example, and the wording of another operation that shares most words."""
    both = [
        (example.document, first, second)
        for example in examples()
        if (first := titled(example)) and (second := described(example)) and first != second
    ]
    same: dict[str, dict[str, Any]] = {}
    for document, first, second in both:
        same.setdefault(document, {"same": True, "first": first, "second": second})
    spread = list(same.items())
    chosen = [spread[at * len(spread) // PAIRS] for at in range(PAIRS)]
    asked = {document: pair["first"] for document, pair in spread}
    pairs = [pair for _, pair in chosen]
    for pair in pairs[:PAIRS]:
        other = max(
            (each for each in asked if asked[each] != pair["first"]),
            key=lambda each, pair=pair: (_shared(asked[each], pair["first"]), each),  # type: ignore[misc]
        )
        pairs.append({"same": False, "first": pair["first"], "second": asked[other]})
    return pairs


def titled(example: Example) -> str | None:
    """The title as a question: `To delete an alias` becomes `How do I delete an alias?`."""
    found = _TITLE.match(example.title)
    return _asked(example, found.group(1)) if found else None


def described(example: Example) -> str | None:
    """The description as a question: `This example deletes the ...`, `How do I delete the ...?`."""
    found = _DESCRIPTION.match(example.description)
    if not found:
        return None
    verb = _infinitive(found.group(1).lower())
    return _asked(example, f"{verb} {found.group(2)}") if verb else None


def reference(document: str) -> str:
    """The operation's name and what its documentation says first."""
    paragraphs = [each for each in texts()[document].split("\n")[1:] if each.strip()]
    told = [_told(each) for each in paragraphs]
    said = next((each for each in told if each), paragraphs[:1])
    return f"{document.partition('/')[2]}: {' '.join(said[:REFERENCE_SENTENCES]).strip()}"


def _told(paragraph: str) -> list[str]:
    return [each for each in _SENTENCE.split(paragraph) if not _NOT_THE_ANSWER.search(each)]


def _asked(example: Example, what: str) -> str | None:
    if _NOT_SAID.search(what) or not SHORTEST <= len(what) <= LONGEST:
        return None
    name = NAMES[example.document.partition("/")[0]]
    place = "" if name.lower() in what.lower() else f"In {name}, "
    return f"{place}{'how' if place else 'How'} do I {what[0].lower()}{what[1:]}?"


def _infinitive(verb: str) -> str | None:
    """The verb of `This example <verb>s`; None for words that are none or say nothing."""
    if not verb.endswith("s") or verb in {"is", "was", "has", "does", "shows", "demonstrates"}:
        return None
    if verb.endswith("ies"):
        return f"{verb[:-3]}y"
    return verb[:-2] if verb.endswith(("ches", "shes", "sses")) else verb[:-1]


def _shared(one: str, other: str) -> float:
    first, second = set(_WORD.findall(one.lower())), set(_WORD.findall(other.lower()))
    return len(first & second) / len(first | second)


def _json(path: Path) -> Mapping[str, Any]:
    packed = path.with_name(f"{path.name}.gz")
    if path.is_file():
        content = path.read_bytes()
    elif packed.is_file():
        content = gzip.decompress(packed.read_bytes())
    else:
        return {}
    found: Mapping[str, Any] = json.loads(content)
    return found


def files() -> dict[Path, str]:
    """What is written, by file."""
    return {
        HERE / name: json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        for name, content in (
            ("questions.json", questions()),
            ("cache_pairs.json", cache_pairs()),
        )
    }


if __name__ == "__main__":
    for file, content in files().items():
        file.write_text(content, encoding="utf-8")
        print(f"{file.name}: {len(json.loads(content))}", file=sys.stderr)
