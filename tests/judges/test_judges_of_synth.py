"""AWS's template validation at its strictest, and cdk-nag: no finding, in any variant."""

from __future__ import annotations

import pytest

from tests.judges.assembly import BUILT_IN
from tests.judges.judged_synthesis import JUDGED, SPOILED

pytestmark = pytest.mark.xdist_group("judges")

GATE = ("AwsSolutions", "Serverless", BUILT_IN)


@pytest.mark.parametrize("judge", GATE)
@pytest.mark.parametrize("variant", JUDGED)
def test_no_finding(reports, variant: str, judge: str) -> None:
    """The built-in validation only appears in the report when it has something to say."""
    assert reports[variant].findings.get(judge, ()) == ()


@pytest.mark.parametrize("variant", JUDGED)
def test_the_packs_were_there(reports, variant: str) -> None:
    assert {"AwsSolutions", "Serverless"} <= set(reports[variant].findings)


@pytest.mark.parametrize(
    ("judge", "rule"),
    [
        (BUILT_IN, "F3034"),  # a number out of range
        (BUILT_IN, "W3030"),  # a wrong enum value: a mere warning, unless strict
        ("AwsSolutions", "AwsSolutions-KMS5"),
        ("AwsSolutions", "AwsSolutions-SQS3"),
        ("AwsSolutions", "AwsSolutions-IAM5[Action::s3:*]"),
        ("Serverless", "Serverless-SQSRedrivePolicy"),
    ],
)
def test_a_planted_defect_is_found(reports, judge: str, rule: str) -> None:
    assert rule in {finding.rule for finding in reports[SPOILED].findings.get(judge, ())}


@pytest.mark.parametrize("variant", JUDGED)
def test_what_is_accepted_has_a_reason(reports, variant: str) -> None:
    accepted = [each for found in reports[variant].accepted.values() for each in found]
    assert accepted
    for finding in accepted:
        assert len(finding.reason.split()) >= 8, finding
