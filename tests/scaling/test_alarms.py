"""The two tables of the CloudWatch User Guide about missing data, row by row."""

from __future__ import annotations

import pytest

from local.scaling.alarms import AlarmRule, AlarmState, Comparison, MissingData, evaluate

STATES = {
    "OK": AlarmState.OK,
    "ALARM": AlarmState.ALARM,
    "INSUFFICIENT": AlarmState.INSUFFICIENT_DATA,
    "RETAIN": None,
}
TREATMENTS = (
    MissingData.MISSING,
    MissingData.IGNORE,
    MissingData.BREACHING,
    MissingData.NOT_BREACHING,
)
THREE_OF_THREE = """
0-X-X OK OK OK OK
0---- OK OK OK OK
----- INSUFFICIENT RETAIN ALARM OK
0XX-X ALARM ALARM ALARM ALARM
----X INSUFFICIENT RETAIN ALARM OK
X---- ALARM RETAIN ALARM OK
"""
TWO_OF_THREE = """
0-X-X ALARM ALARM ALARM ALARM
00X0X ALARM ALARM ALARM ALARM
0-X-- OK OK ALARM OK
----0 OK OK ALARM OK
----X INSUFFICIENT RETAIN ALARM OK
"""
ROWS = [
    (row.split()[0], treatment, STATES[state], datapoints)
    for table, datapoints in ((THREE_OF_THREE, 3), (TWO_OF_THREE, 2))
    for row in table.split("\n")
    if row
    for treatment, state in zip(TREATMENTS, row.split()[1:], strict=True)
]


@pytest.mark.parametrize(("points", "treatment", "expected", "datapoints"), ROWS)
@pytest.mark.parametrize("previous", list(AlarmState))
def test_tables_of_the_user_guide(
    points: str,
    treatment: MissingData,
    expected: AlarmState | None,
    datapoints: int,
    previous: AlarmState,
) -> None:
    rule = AlarmRule(
        threshold=1,
        comparison=Comparison.ABOVE,
        evaluation_periods=3,
        datapoints_to_alarm=datapoints,
        missing_data=treatment,
    )
    values = [{"0": 0.0, "X": 2.0, "-": None}[sign] for sign in points]
    assert len(values) == rule.evaluation_range
    assert evaluate(rule, values, previous) is (expected or previous)


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        (Comparison.ABOVE, {2}),
        (Comparison.AT_OR_ABOVE, {1, 2}),
        (Comparison.BELOW, {0}),
        (Comparison.AT_OR_BELOW, {0, 1}),
    ],
)
def test_comparisons(comparison: Comparison, breaching: set[int]) -> None:
    assert {value for value in (0, 1, 2) if comparison.breached(value, 1)} == breaching
