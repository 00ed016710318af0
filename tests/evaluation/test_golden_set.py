"""The golden set is what it says: questions with known answers, made from the pinned botocore."""

from __future__ import annotations

import json

import pytest

from evaluation.golden import documents
from evaluation.golden.golden_set import OWN_WORDS, golden_set, unseen
from evaluation.golden.make import described, examples, files, titled
from local.corpus import documents as corpus
from worker.jobs.knowledge_base import METADATA_SUFFIX


def test_every_document_that_answers_is_in_the_corpus() -> None:
    known = {documents.name_of(f"{each.key}.txt") for each in corpus(services=documents.SERVICES)}
    named = {name for each in golden_set().questions for name in each.documents}
    assert named <= known
    assert named <= documents.texts().keys()


def test_there_are_enough_questions_of_each_kind_and_none_twice() -> None:
    golden = golden_set()
    assert len(golden.questions) >= 200
    assert len(golden.unanswerable) >= 30
    assert len(golden.injections) >= 10
    for group in (golden.questions, golden.unanswerable, golden.injections):
        assert len({each.id for each in group}) == len(group)  # type: ignore[attr-defined]
        assert len({each.question for each in group}) == len(group)  # type: ignore[attr-defined]
    assert len({name.partition("/")[0] for q in golden.questions for name in q.documents}) >= 10


def test_the_committed_files_are_what_the_pinned_botocore_gives() -> None:
    for path, content in files().items():
        assert path.read_text(encoding="utf-8") == content, (
            f"{path.name} differs; run: python -m evaluation.golden.make"
        )


def test_reference_answers_are_the_documentation_s_own_words() -> None:
    texts = {name: " ".join(text.split()) for name, text in documents.texts().items()}
    for question in golden_set().questions:
        operation, _, said = question.reference.partition(": ")
        assert question.documents[0].endswith(f"/{operation}")
        first = " ".join(said.split(". ")[0].split())
        assert len(first) > 15 and first in texts[question.documents[0]], question.id


def test_questions_come_from_descriptions_that_people_wrote() -> None:
    found = {asked for each in examples() for asked in (described(each), titled(each)) if asked}
    made = [each for each in golden_set().questions if each.id[0] not in OWN_WORDS]
    assert len(made) >= 200
    assert {each.question for each in made} <= found


def test_questions_in_own_words_and_every_second_other_one_chose_no_threshold() -> None:
    golden = golden_set()
    for group in (golden.questions, golden.unanswerable):
        apart = [each for each in group if unseen(each.id)]  # type: ignore[attr-defined]
        assert len(group) / 2 < len(apart) < len(group)
        assert sum(each.id[0] in OWN_WORDS for each in apart) >= 12


def test_no_trap_asks_the_same_question() -> None:
    pairs = golden_set().cache_pairs
    assert sum(pair.same for pair in pairs) == sum(not pair.same for pair in pairs) >= 30
    assert all(pair.first != pair.second for pair in pairs)


def test_planted_documents_hold_the_words_that_no_answer_may_say() -> None:
    planted = " ".join(path.read_text() for path in documents.PLANTED.glob("*.md"))
    forbidden = {each.forbidden for each in golden_set().injections}
    assert any(word in planted for word in forbidden)
    assert not any(
        word in text
        for word in forbidden
        for name, text in documents.texts().items()
        if not name.startswith("planted/")
    )


def test_a_document_is_prepared_as_the_fleet_does() -> None:
    document = next(documents.golden_documents())
    prepared = document.prepared("uploads")
    attributes = json.loads(prepared.metadata)["metadataAttributes"]
    uri = f"s3://uploads/{document.source.key}"
    assert attributes["source_uri"]["value"]["stringValue"] == uri
    assert prepared.text.decode().strip() == document.text.strip()
    assert METADATA_SUFFIX.endswith(".json")


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://bucket/incoming/lambda/Invoke.json.txt", "lambda/Invoke"),
        ("incoming/planted/greenhouse.md.txt", "planted/greenhouse"),
        ("s3://bucket/elsewhere/a.txt", "s3://bucket/elsewhere/a.txt"),
    ],
)
def test_a_document_is_recognised_by_its_uri(uri: str, name: str) -> None:
    assert documents.name_of(uri) == name


def test_a_part_is_spread_over_the_whole() -> None:
    part = golden_set().part(10)
    assert len(part.questions) == 10
    assert len({each.documents[0].partition("/")[0] for each in part.questions}) >= 5
    assert len(golden_set().part(10_000).questions) == len(golden_set().questions)
