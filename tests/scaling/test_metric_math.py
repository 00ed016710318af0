"""Metric math against the examples and rules of the CloudWatch User Guide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.scaling.metric_math import MetricMathError, evaluate, references

NO = None
BACKLOG = "(visible + FILL(in_flight, 0)) / IF(in_service > 0, in_service, 1)"
DATA = {"m1": (30, 20, 0, 0), "m2": (20, NO, 20, NO)}
IF_DATA = {
    "metric1": (1, 1, 0, 0, NO),
    "metric2": (30, NO, 0, 0, 30),
    "metric3": (0, 0, 20, NO, 20),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 < m2", (0, 0, 1, 0)),
        ("m1 >= 30", (1, 0, 0, 0)),
        ("m1 > 15 AND m2 > 15", (1, 0, 0, 0)),
        ("m1 > 15 && m2 > 15", (1, 0, 0, 0)),
        ("m1 > 25 OR m2 > 15", (1, 0, 1, 0)),
    ],
)
def test_comparisons_of_the_user_guide(expression: str, expected: tuple[float, ...]) -> None:
    assert evaluate(expression, DATA) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", (30, 0, 20, NO, NO)),
        ("IF(metric1, 5, metric3)", (5, 5, 20, NO, NO)),
        ("IF(metric1, metric2, 5)", (30, 0, 5, 5, NO)),
        ("IF(metric1, metric2)", (30, 0, NO, NO, NO)),
        ("IF(metric2 < 400, 10, 2)", (10, NO, 10, 10, 10)),
        ("IF(1, metric2, metric3)", (30, NO, 0, 0, 30)),
        ("IF(0, metric2)", (NO, NO, NO, NO, NO)),
    ],
)
def test_if_of_the_user_guide(expression: str, expected: tuple[float | None, ...]) -> None:
    assert evaluate(expression, IF_DATA) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * m1", (3, 5, 9)),
        ("(1 + 2) * m1", (3, 6, 12)),
        ("2 ^ 3 ^ 0 * m1", (2, 4, 8)),
        ("-m1 ^ 2", (-1, -4, -16)),
        ("10 - 2 - m1", (7, 6, 4)),
        ("16 / 2 / m1", (8, 4, 2)),
        ("1.5e1 * m1", (15, 30, 60)),
        ("m1 - -m1", (2, 4, 8)),
    ],
)
def test_operators_bind_as_in_arithmetic(expression: str, expected: tuple[float, ...]) -> None:
    assert evaluate(expression, {"m1": (1.0, 2.0, 4.0)}) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("m1 + m2", (3, 2, 1, NO)),
        ("m2 / m1", (2, NO, 0, NO)),
        ("m1 / m2", (0.5, 0, NO, NO)),
        ("10 / m1", (10, NO, 10, NO)),
    ],
)
def test_missing_is_zero_and_division_by_zero_drops(
    expression: str, expected: tuple[float | None, ...]
) -> None:
    assert evaluate(expression, {"m1": (1, NO, 1, NO), "m2": (2, 2, NO, NO)}) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("FILL(m1, 9)", (9, 2, 9, 9, 8, 9)),
        ("FILL(m1, REPEAT)", (NO, 2, 2, 2, 8, 8)),
        ("FILL(m1, LINEAR)", (NO, 2, 4, 6, 8, NO)),
        ("FILL(m1, m2)", (1, 2, 1, 1, 8, 1)),
        ("FILL(m1, MIN(m1))", (2, 2, 2, 2, 8, 2)),
        ("SUM(FILL([m1, m2], 0))", (1, 3, 1, 1, 9, 1)),
    ],
)
def test_fill(expression: str, expected: tuple[float | None, ...]) -> None:
    series = {"m1": (NO, 2, NO, NO, 8, NO), "m2": (1.0,) * 6}
    assert evaluate(expression, series) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MAX([m1, m2])", (4, 3, 2.5)),
        ("MIN([m1, m2])", (-1.5, 3, 2.5)),
        ("SUM([m1, m2])", (2.5, 3, 2.5)),
        ("AVG([m1, m2])", (1.25, 1.5, 1.25)),
        ("m1 - MAX(m1)", (-4, NO, 0)),
        ("ABS(m1)", (1.5, NO, 2.5)),
        ("CEIL(m1)", (-1, NO, 3)),
        ("FLOOR(m1)", (-2, NO, 2)),
        ("SUM(METRICS())", (2.5, 3, 2.5)),
        ("SUM(METRICS('m2'))", (4, 3, NO)),
        ("m1 / PERIOD(m1)", (-0.025, NO, 2.5 / 60)),
        ("m1 * DATAPOINT_COUNT(m1)", (-3, NO, 5)),
        ("DIFF(m1)", (NO, NO, 4)),
        ("RATE(m1)", (NO, NO, 4 / 120)),
        ("TIME_SERIES(AVG(m2))", (3.5, 3.5, 3.5)),
        ("RUNNING_SUM(m2)", (4, 7, NO)),
        ("SUM(100 / [m1, m2])", (100 / -1.5 + 25, 100 / 3, 40)),
    ],
)
def test_functions(expression: str, expected: tuple[float | None, ...]) -> None:
    assert evaluate(expression, {"m1": (-1.5, NO, 2.5), "m2": (4, 3, NO)}) == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("SEARCH('x')", "no function 'SEARCH'"),
        ("fill(m1, 0)", "capitals: FILL"),
        ("m3 + 1", "names the id 'm3'; the ids are: m1, m2"),
        ("m1 +", "ends too early"),
        ("(m1", "ends too early"),
        ("m1 m2", "unexpected 'm2'"),
        ("m1 ? 2", "unexpected '?'"),
        ("MAX(m1)", "gives a scalar"),
        ("[m1, m2]", "gives an array"),
        ("MAX([m1, 1])", "TIME_SERIES"),
        ("FILL(m1)", "takes 2 argument"),
        ("IF(1, 2, 3)", "must be a time series"),
        ("1 / 0 * m1", "cannot compute"),
    ],
)
def test_errors_say_what_is_wrong(expression: str, problem: str) -> None:
    with pytest.raises(MetricMathError) as raised:
        evaluate(expression, {"m1": (1, 2), "m2": (3, 4)})
    assert problem in str(raised.value)


def test_series_must_share_a_grid() -> None:
    with pytest.raises(MetricMathError, match="different lengths"):
        evaluate("m1 + m2", {"m1": (1,), "m2": (1, 2)})


def test_references_are_found_everywhere() -> None:
    assert references(BACKLOG) == {"visible", "in_flight", "in_service"}
    assert references("-SUM([a, FILL(b, REPEAT)]) ^ c") == {"a", "b", "c"}


def test_backlog_per_instance_of_an_empty_group_counts_one() -> None:
    series = {"visible": (100, 100, 100), "in_flight": (NO, 20, NO), "in_service": (0, 2, NO)}
    assert evaluate(BACKLOG, series) == (100, 60, NO)


points = st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=8)


@given(points)
def test_fill_leaves_no_gap_and_changes_no_point(series: list[float | None]) -> None:
    filled = evaluate("FILL(m1, 7)", {"m1": series})
    assert filled == tuple(7 if point is None else point for point in series)


@given(points)
def test_a_series_minus_itself_is_zero_where_it_exists(series: list[float | None]) -> None:
    assert evaluate("m1 - m1", {"m1": series}) == tuple(
        None if point is None else 0 for point in series
    )
