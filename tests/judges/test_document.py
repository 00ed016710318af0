"""docs/judges.md says what the judges say, and every finding of a compliance pack is answered."""

from __future__ import annotations

import pytest

from tests.built_once import REPOSITORY
from tests.judges.compliance import ANSWERS, PACKS
from tests.judges.document import DOCUMENT, JUDGES, STAGES, compliance_findings, document

pytestmark = pytest.mark.xdist_group("judges")


def test_the_document_is_what_the_judges_say(reports) -> None:
    assert DOCUMENT.read_text() == document(reports), "run: python -m tests.judges.document"


def test_the_judges_that_are_named_exist() -> None:
    for _, _, where in JUDGES:
        assert (REPOSITORY / "tests" / where).is_file(), where


def test_every_finding_of_a_compliance_pack_is_answered(reports) -> None:
    found = compliance_findings(reports)
    assert set(found) <= set(ANSWERS), set(found) - set(ANSWERS)


def test_no_answer_has_lost_its_finding(reports) -> None:
    assert set(ANSWERS) <= set(compliance_findings(reports))


def test_all_packs_were_asked(reports) -> None:
    for stage in STAGES:
        assert set(PACKS) <= set(reports[stage].findings)
        assert all(reports[stage].findings[pack] for pack in PACKS)
