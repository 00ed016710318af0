"""The documents that the golden questions are about, as the fleet prepares them.

What the fleet makes of an uploaded document follows from its bytes alone, so what a knowledge base
was given can be worked out here again, without a network: a recorded answer is held against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from local.corpus import PREFIX, CorpusDocument, documents
from worker.jobs.documents import formats
from worker.jobs.knowledge_base import TEXT_SUFFIX, Prepared, prepare

SERVICES = (
    "autoscaling",
    "cloud9",
    "ecr",
    "efs",
    "elb",
    "glacier",
    "inspector",
    "lambda",
    "polly",
    "secretsmanager",
    "servicediscovery",
)
"""Of those with descriptions of examples, eleven that are not alike and not long: 450 documents."""
PLANTED = Path(__file__).parent / "planted"
"""Documents that try to give the model orders; the injection questions lead to them."""
_KEY = re.compile(rf"(?:^|/){PREFIX}(.+?)\.(?:json|md|html|txt|pdf){re.escape(TEXT_SUFFIX)}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldenDocument:
    """A document before and after it is prepared. `name` is service/operation."""

    name: str
    source: CorpusDocument
    text: str

    def prepared(self, bucket: str) -> Prepared:
        """The two files that the fleet would write for an upload into this bucket."""
        read = formats.read(
            self.source.body, key=self.source.key, content_type=self.source.content_type
        )
        uri = f"s3://{bucket}/{self.source.key}"
        return prepare(read, source_uri=uri, source_version="golden")


def golden_documents() -> Iterator[GoldenDocument]:
    """All of them, in a fixed order."""
    for source in (*documents(services=frozenset(SERVICES)), *_planted()):
        read = formats.read(source.body, key=source.key, content_type=source.content_type)
        yield GoldenDocument(
            name=name_of(f"{source.key}{TEXT_SUFFIX}"), source=source, text=read.text
        )


@cache
def texts() -> Mapping[str, str]:
    """What each prepared document says, by its name."""
    return {each.name: each.text for each in golden_documents()}


def name_of(uri: str) -> str:
    """The name of the document at a prepared document's URI or key; others keep their URI."""
    found = _KEY.search(uri)
    return found.group(1) if found else uri


def _planted() -> Iterator[CorpusDocument]:
    for path in sorted(PLANTED.glob("*.md")):
        yield CorpusDocument(
            key=f"{PREFIX}planted/{path.name}", body=path.read_bytes(), content_type="text/markdown"
        )
