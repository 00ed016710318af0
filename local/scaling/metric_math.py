"""Evaluate CloudWatch metric math with its rules for missing data.

    >>> evaluate("FILL(m1, 0) / IF(m2 > 0, m2, 1)", {"m1": (4, None), "m2": (2, 0)})
    (2.0, 0.0)

`evaluate(expression, series)` takes the series by id, all on one grid (see `series`), and returns
the resulting series. What the documentation says of missing data
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html):

- arithmetic between two series treats a missing value as 0, and drops a point that would divide by
  zero;
- a comparison between two series treats the missing side as 0 when the other side has a value;
- IF drops the points whose condition is missing, gives 0 where the condition holds and the second
  argument is missing, and drops where the third is missing or left out;
- AVG over an array treats missing values as 0.

Where it is silent this model chooses: no operand with data at a time stamp means no data point
there (also between a series and a scalar); MAX, MIN and SUM over an array use the values that
exist; LINEAR does not extrapolate beyond the outermost values, and REPEAT not before the first.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import lru_cache

from local.scaling.metric_math_functions import FUNCTIONS, Value, missing_as_zero
from local.scaling.metric_math_parser import (
    ArrayOf,
    Call,
    MetricMathError,
    Negation,
    Node,
    Number,
    Operation,
    Reference,
    Text,
    parse,
)
from local.scaling.series import Points, Series

__all__ = ["MetricMathError", "evaluate", "references"]


def _divided(left: float, right: float) -> float | None:
    return left / right if right else None


def _power(left: float, right: float) -> float | None:
    try:
        result = left**right
    except (ZeroDivisionError, OverflowError):
        return None
    return result if isinstance(result, float) else None


OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "^": _power,
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "AND": lambda left, right: float(bool(left) and bool(right)),
    "OR": lambda left, right: float(bool(left) or bool(right)),
}

_parsed = lru_cache(maxsize=256)(parse)


def evaluate(
    expression: str,
    series: Mapping[str, Points],
    *,
    period_seconds: int = 60,
) -> Series:
    """The series that the expression gives over the common grid of `series`.

    Raises MetricMathError when the expression is malformed, names an unknown id or function, or
    does not end in a single time series (an alarm and a scaling policy need exactly one).
    """
    lengths = {len(points) for points in series.values()}
    if len(lengths) > 1:
        raise MetricMathError(f"the series have different lengths: {sorted(lengths)}")
    evaluator = _Evaluator(
        {
            name: tuple(None if point is None else float(point) for point in points)
            for name, points in series.items()
        },
        length=lengths.pop() if lengths else 0,
        period_seconds=period_seconds,
    )
    value = evaluator.value(_parsed(expression))
    if not isinstance(value, tuple):
        kind = "a scalar" if isinstance(value, float) else "an array or a string"
        raise MetricMathError(
            f"metric math {expression!r} gives {kind}; it must give a single time series"
        )
    return value


def references(expression: str) -> frozenset[str]:
    """The ids of metrics and expressions that the expression uses."""
    found: set[str] = set()
    pending = [_parsed(expression)]
    while pending:
        node = pending.pop()
        if isinstance(node, Reference) and node.name not in ("REPEAT", "LINEAR"):
            found.add(node.name)
        elif isinstance(node, Negation):
            pending.append(node.operand)
        elif isinstance(node, Operation):
            pending += [node.left, node.right]
        elif isinstance(node, Call):
            pending += node.arguments
        elif isinstance(node, ArrayOf):
            pending += node.members
    return frozenset(found)


class _Evaluator:
    def __init__(self, series: Mapping[str, Series], *, length: int, period_seconds: int) -> None:
        self._series = series
        self._length = length
        self._period_seconds = period_seconds

    def value(self, node: Node) -> Value:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Text):
            return node.value
        if isinstance(node, Reference):
            return self._referenced(node.name)
        if isinstance(node, Negation):
            return self._combined("*", -1.0, self.value(node.operand))
        if isinstance(node, Operation):
            return self._combined(node.operator, self.value(node.left), self.value(node.right))
        if isinstance(node, ArrayOf):
            return self._array(node)
        return self._called(node)

    def _referenced(self, name: str) -> Value:
        if name in self._series:
            return self._series[name]
        if name in ("REPEAT", "LINEAR"):
            return name
        known = ", ".join(sorted(self._series)) or "none"
        raise MetricMathError(f"metric math names the id {name!r}; the ids are: {known}")

    def _array(self, node: ArrayOf) -> Value:
        members: list[Series] = []
        for member in node.members:
            value = self.value(member)
            if isinstance(value, list):
                members += value
            elif isinstance(value, tuple):
                members.append(value)
            else:
                raise MetricMathError(
                    "metric math arrays hold time series; wrap a number in TIME_SERIES()"
                )
        return members

    def _called(self, node: Call) -> Value:
        function = FUNCTIONS.get(node.function)
        if function is None:
            hint = (
                f" Functions are written in capitals: {node.function.upper()}."
                if node.function.upper() in FUNCTIONS
                else f" Known: {', '.join(sorted(FUNCTIONS))}."
            )
            raise MetricMathError(
                f"metric math has no function {node.function!r} in this model.{hint}"
            )
        arguments = [self.value(argument) for argument in node.arguments]
        return function(
            arguments,
            series=self._series,
            length=self._length,
            period_seconds=self._period_seconds,
        )

    def _combined(self, sign: str, left: Value, right: Value) -> Value:
        if isinstance(left, str) or isinstance(right, str):
            raise MetricMathError(f"metric math cannot apply {sign!r} to a string")
        if isinstance(left, list) and isinstance(right, list):
            raise MetricMathError(f"metric math cannot apply {sign!r} to two arrays")
        if isinstance(left, list):
            return [self._pair(sign, member, right) for member in left]  # type: ignore[arg-type]
        if isinstance(right, list):
            return [self._pair(sign, left, member) for member in right]
        if isinstance(left, float) and isinstance(right, float):
            result = OPERATORS[sign](left, right)
            if result is None:
                raise MetricMathError(f"metric math cannot compute {left} {sign} {right}")
            return result
        return self._pair(sign, left, right)

    def _pair(self, sign: str, left: float | Series, right: float | Series) -> Series:
        combine = OPERATORS[sign]
        if isinstance(left, tuple) and isinstance(right, tuple):
            return tuple(missing_as_zero(combine, a, b) for a, b in zip(left, right, strict=True))
        if isinstance(left, tuple):
            assert isinstance(right, float)
            return tuple(None if a is None else combine(a, right) for a in left)
        assert isinstance(right, tuple)
        return tuple(None if b is None else combine(left, b) for b in right)
