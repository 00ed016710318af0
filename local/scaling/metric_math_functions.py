"""The functions of CloudWatch metric math that this model knows, by name.

Left out on purpose, and so refused by name: SEARCH, SORT, SLICE, SERVICE_QUOTA, ANOMALY_DETECTION_
BAND, INSIGHT_RULE_METRIC and the calendar functions; none of them makes sense in a scaling policy.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Protocol

from local.scaling.metric_math_parser import MetricMathError
from local.scaling.series import Series, existing

Value = float | str | Series | list[Series]


class Function(Protocol):
    """A metric-math function: its arguments, and what it may know of the evaluation."""

    def __call__(
        self,
        arguments: Sequence[Value],
        *,
        series: Mapping[str, Series],
        length: int,
        period_seconds: int,
    ) -> Value:
        """The function's value."""
        ...


def missing_as_zero(
    combine: Callable[[float, float], float | None], left: float | None, right: float | None
) -> float | None:
    """Two data points of one time stamp; the missing one counts as 0, unless both are missing."""
    if left is None and right is None:
        return None
    return combine(left or 0.0, right or 0.0)


def _refuse(function: str, problem: str) -> MetricMathError:
    return MetricMathError(f"metric math {function}: {problem}")


def _over_points(name: str, compute: Callable[[float], float | None]) -> Function:
    """TS -> TS and TS[] -> TS[], point by point."""

    def one(series: Series) -> Series:
        return tuple(None if point is None else compute(point) for point in series)

    def function(
        arguments: Sequence[Value],
        *,
        series: Mapping[str, Series],  # noqa: ARG001
        length: int,  # noqa: ARG001
        period_seconds: int,  # noqa: ARG001
    ) -> Value:
        (value,) = _count(name, arguments, 1)
        return _mapped(name, value, one)

    return function


def _over_series(name: str, compute: Callable[[Series, int], Series]) -> Function:
    """TS -> TS and TS[] -> TS[], each series as a whole, with the period in seconds."""

    def function(
        arguments: Sequence[Value],
        *,
        series: Mapping[str, Series],  # noqa: ARG001
        length: int,  # noqa: ARG001
        period_seconds: int,
    ) -> Value:
        (value,) = _count(name, arguments, 1)
        return _mapped(name, value, lambda one: compute(one, period_seconds))

    return function


def _statistic(
    name: str,
    compute: Callable[[list[float]], float],
    *,
    missing_is_zero: bool = False,
    of_nothing: float | None = None,
) -> Function:
    """TS -> S over all data points; TS[] -> TS across the members, time stamp by time stamp."""

    def across(points: tuple[float | None, ...]) -> float | None:
        values = existing(points)
        if not values:
            return of_nothing
        if missing_is_zero:
            values += [0.0] * (len(points) - len(values))
        return compute(values)

    def function(
        arguments: Sequence[Value],
        *,
        series: Mapping[str, Series],  # noqa: ARG001
        length: int,  # noqa: ARG001
        period_seconds: int,  # noqa: ARG001
    ) -> Value:
        (value,) = _count(name, arguments, 1)
        if isinstance(value, list):
            return tuple(across(points) for points in zip(*value, strict=True))
        if not isinstance(value, tuple):
            raise _refuse(name, "takes a time series or an array of them")
        values = existing(value)
        if values:
            return compute(values)
        if of_nothing is None:
            raise _refuse(name, "the time series has no data point to compute with")
        return of_nothing

    return function


def _mapped(name: str, value: Value, one: Callable[[Series], Series]) -> Value:
    if isinstance(value, tuple):
        return one(value)
    if isinstance(value, list):
        return [one(member) for member in value]
    raise _refuse(name, "takes a time series or an array of them")


def _count(name: str, arguments: Sequence[Value], *allowed: int) -> Sequence[Value]:
    if len(arguments) not in allowed:
        wanted = " or ".join(map(str, allowed))
        raise _refuse(name, f"takes {wanted} argument(s), not {len(arguments)}")
    return arguments


def _if(
    arguments: Sequence[Value],
    *,
    series: Mapping[str, Series],  # noqa: ARG001
    length: int,
    period_seconds: int,  # noqa: ARG001
) -> Value:
    _count("IF", arguments, 2, 3)
    condition, *branches = arguments
    if any(isinstance(value, str | list) for value in arguments):
        raise _refuse("IF", "takes time series and numbers, not arrays or strings")
    if all(isinstance(value, float) for value in arguments):
        raise _refuse("IF", "at least one argument must be a time series")
    otherwise = branches[1] if len(branches) == 2 else (None,) * length

    def at(value: Value, slot: int) -> float | None:
        return value[slot] if isinstance(value, tuple) else float(value)  # type: ignore[arg-type]

    result: list[float | None] = []
    for slot in range(length):
        holds = at(condition, slot)
        if holds is None:
            result.append(None)
        elif not holds:
            result.append(at(otherwise, slot))
        elif isinstance(condition, float):
            result.append(at(branches[0], slot))
        else:
            result.append(at(branches[0], slot) or 0.0)
    return tuple(result)


def _fill(
    arguments: Sequence[Value],
    *,
    series: Mapping[str, Series],  # noqa: ARG001
    length: int,  # noqa: ARG001
    period_seconds: int,  # noqa: ARG001
) -> Value:
    value, filler = _count("FILL", arguments, 2)
    if isinstance(filler, float):
        return _mapped("FILL", value, lambda one: tuple(filler if p is None else p for p in one))
    if isinstance(filler, tuple):
        return _mapped(
            "FILL",
            value,
            lambda one: tuple(
                other if point is None else point for point, other in zip(one, filler, strict=True)
            ),
        )
    if filler == "REPEAT":
        return _mapped("FILL", value, _repeated)
    if filler == "LINEAR":
        return _mapped("FILL", value, _interpolated)
    raise _refuse("FILL", "fills with a number, a time series, REPEAT or LINEAR")


def _repeated(series: Series) -> Series:
    last: float | None = None
    result: list[float | None] = []
    for point in series:
        last = last if point is None else point
        result.append(last)
    return tuple(result)


def _interpolated(series: Series) -> Series:
    result = list(series)
    known = [slot for slot, point in enumerate(series) if point is not None]
    for left, right in pairwise(known):
        low, high = series[left], series[right]
        assert low is not None and high is not None
        for slot in range(left + 1, right):
            result[slot] = low + (high - low) * (slot - left) / (right - left)
    return tuple(result)


def _differences(series: Series, divide: Callable[[float, int], float]) -> Series:
    result: list[float | None] = []
    previous: tuple[int, float] | None = None
    for slot, point in enumerate(series):
        if point is None:
            result.append(None)
            continue
        result.append(None if previous is None else divide(point - previous[1], slot - previous[0]))
        previous = (slot, point)
    return tuple(result)


def _running_sum(series: Series) -> Series:
    total = 0.0
    result: list[float | None] = []
    for point in series:
        total += point or 0.0
        result.append(None if point is None else total)
    return tuple(result)


def _time_series(
    arguments: Sequence[Value],
    *,
    series: Mapping[str, Series],  # noqa: ARG001
    length: int,
    period_seconds: int,  # noqa: ARG001
) -> Value:
    (value,) = _count("TIME_SERIES", arguments, 1)
    if not isinstance(value, float):
        raise _refuse("TIME_SERIES", "takes a number")
    return (value,) * length


def _period(
    arguments: Sequence[Value],
    *,
    series: Mapping[str, Series],  # noqa: ARG001
    length: int,  # noqa: ARG001
    period_seconds: int,
) -> Value:
    (value,) = _count("PERIOD", arguments, 1)
    if not isinstance(value, tuple):
        raise _refuse("PERIOD", "takes a metric")
    return float(period_seconds)


def _metrics(
    arguments: Sequence[Value],
    *,
    series: Mapping[str, Series],
    length: int,  # noqa: ARG001
    period_seconds: int,  # noqa: ARG001
) -> Value:
    part = _count("METRICS", arguments, 0, 1)[0] if arguments else ""
    if not isinstance(part, str):
        raise _refuse("METRICS", "takes a quoted part of an id, or nothing")
    return [points for name, points in series.items() if part in name]


def _member(name: str, pick: Callable[[list[Series]], Value]) -> Function:
    def function(
        arguments: Sequence[Value],
        *,
        series: Mapping[str, Series],  # noqa: ARG001
        length: int,  # noqa: ARG001
        period_seconds: int,  # noqa: ARG001
    ) -> Value:
        (value,) = _count(name, arguments, 1)
        if not isinstance(value, list) or not value:
            raise _refuse(name, "takes an array of time series that is not empty")
        return pick(value)

    return function


def _logarithm(compute: Callable[[float], float]) -> Callable[[float], float | None]:
    return lambda point: compute(point) if point > 0 else None


FUNCTIONS: Mapping[str, Function] = {
    "ABS": _over_points("ABS", abs),
    "AVG": _statistic("AVG", statistics.fmean, missing_is_zero=True),
    "CEIL": _over_points("CEIL", lambda point: float(math.ceil(point))),
    "DATAPOINT_COUNT": _statistic(
        "DATAPOINT_COUNT", lambda values: float(len(values)), of_nothing=0.0
    ),
    "DIFF": _over_series("DIFF", lambda one, _: _differences(one, lambda change, _slots: change)),
    "DIFF_TIME": _over_series(
        "DIFF_TIME",
        lambda one, period: _differences(one, lambda _change, slots: float(slots * period)),
    ),
    "FILL": _fill,
    "FIRST": _member("FIRST", lambda members: members[0]),
    "FLOOR": _over_points("FLOOR", lambda point: float(math.floor(point))),
    "IF": _if,
    "LAST": _member("LAST", lambda members: members[-1]),
    "LOG": _over_points("LOG", _logarithm(math.log)),
    "LOG10": _over_points("LOG10", _logarithm(math.log10)),
    "MAX": _statistic("MAX", max),
    "METRICS": _metrics,
    "METRIC_COUNT": _member("METRIC_COUNT", lambda members: float(len(members))),
    "MIN": _statistic("MIN", min),
    "PERIOD": _period,
    "RATE": _over_series(
        "RATE",
        lambda one, period: _differences(one, lambda change, slots: change / (slots * period)),
    ),
    "RUNNING_SUM": _over_series("RUNNING_SUM", lambda one, _: _running_sum(one)),
    "STDDEV": _statistic("STDDEV", statistics.pstdev),
    "SUM": _statistic("SUM", math.fsum),
    "TIME_SERIES": _time_series,
}
