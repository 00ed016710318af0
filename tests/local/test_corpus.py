"""The corpus: the same real documents on every machine, which the job can all read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from itertools import islice

import pytest

from local import corpus
from local.corpus import CorpusDocument, documents
from worker.jobs.documents.formats import read

DEMO_DOCUMENTS = 20_000


def digest(found: Iterable[CorpusDocument]) -> str:
    content = hashlib.sha256()
    for document in found:
        content.update(document.key.encode() + b"\0" + document.body + b"\0")
    return content.hexdigest()


def test_two_runs_give_the_same_bytes_in_the_same_order() -> None:
    assert digest(documents(300)) == digest(documents(300))


def test_the_first_documents_do_not_depend_on_the_limit() -> None:
    assert digest(documents(40)) == digest(islice(documents(300), 40))


def test_nothing_is_produced_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "models", lambda: pytest.fail("read a model too early"))
    documents()


@pytest.mark.parametrize("limit", [0, 1, 7])
def test_the_limit_is_kept(limit: int) -> None:
    assert len(list(documents(limit))) == limit


def test_every_document_becomes_text() -> None:
    formats: Counter[str] = Counter()
    for document in documents(400):
        assert document.key.startswith(corpus.PREFIX)
        prepared = read(document.body, key=document.key, content_type=document.content_type)
        assert prepared.title
        formats[prepared.attributes["format"]] += 1
    assert set(formats) == {"json", "markdown", "html", "plain", "pdf"}


def test_an_operation_is_described_with_its_members_and_errors() -> None:
    [document] = [each for each in documents(100) if each.key.endswith("/GetAnalyzer.json")]
    prepared = read(document.body, key=document.key, content_type=document.content_type)
    assert prepared.title == "GetAnalyzer - Access Analyzer"
    assert prepared.attributes["operation"] == "GetAnalyzer"
    assert "- analyzerName (string, required): The name of the analyzer" in prepared.text
    assert "- analyzer.arn (string, required): The ARN of the analyzer" in prepared.text
    assert "- AccessDeniedException: " in prepared.text


@pytest.mark.slow
def test_there_are_enough_documents_for_the_demo() -> None:
    keys = {document.key for document in documents()}
    assert len(keys) >= DEMO_DOCUMENTS
    assert len({key.lower() for key in keys}) == len(keys)
