"""Parse a CloudWatch metric-math expression into a tree.

Grammar, from loosest to tightest binding: OR, AND, comparison, + -, * /, unary -, ^, and then
numbers, metric ids, calls, [arrays] and parentheses. The documentation lists the operators but not
how tightly they bind; the usual order of arithmetic is chosen.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<name>[A-Za-z][A-Za-z0-9_]*)"
    r"|(?P<string>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>(),\[\]]))"
)
COMPARISONS = ("==", "!=", "<=", ">=", "<", ">")


class MetricMathError(ValueError):
    """An expression that CloudWatch would refuse, or that this model does not know; says why."""


@dataclass(frozen=True)
class Number:
    """A scalar."""

    value: float


@dataclass(frozen=True)
class Text:
    """A quoted string (the argument of METRICS)."""

    value: str


@dataclass(frozen=True)
class Reference:
    """The id of a metric or of another expression."""

    name: str


@dataclass(frozen=True)
class Negation:
    """Unary minus."""

    operand: Node


@dataclass(frozen=True)
class Operation:
    """A binary operator."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class ArrayOf:
    """[m1, m2]: an array of time series."""

    members: tuple[Node, ...]


Node = Number | Text | Reference | Negation | Operation | Call | ArrayOf


def parse(expression: str) -> Node:
    """The tree of an expression. Raises MetricMathError that shows where it is wrong."""
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens: list[tuple[str, str]] = []
        position = 0
        text = expression.rstrip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if match is None:
                raise self._error(f"unexpected {text[position:].lstrip()[:1]!r}")
            kind = str(match.lastgroup)
            self._tokens.append((kind, match.group(kind)))
            position = match.end()
        self._next = 0

    def _error(self, problem: str) -> MetricMathError:
        return MetricMathError(f"metric math {self._expression!r}: {problem}")

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._tokens):
            raise self._error("it ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _expect(self, sign: str) -> None:
        found = self._take()[1]
        if found != sign:
            raise self._error(f"expected {sign!r}, found {found!r}")

    def whole(self) -> Node:
        node = self._either()
        if self._peek():
            raise self._error(f"unexpected {self._peek()!r}")
        return node

    def _either(self) -> Node:
        node = self._both()
        while self._peek() in ("OR", "||"):
            self._take()
            node = Operation("OR", node, self._both())
        return node

    def _both(self) -> Node:
        node = self._comparison()
        while self._peek() in ("AND", "&&"):
            self._take()
            node = Operation("AND", node, self._comparison())
        return node

    def _comparison(self) -> Node:
        node = self._sum()
        while self._peek() in COMPARISONS:
            node = Operation(self._take()[1], node, self._sum())
        return node

    def _sum(self) -> Node:
        node = self._product()
        while self._peek() in ("+", "-"):
            node = Operation(self._take()[1], node, self._product())
        return node

    def _product(self) -> Node:
        node = self._signed()
        while self._peek() in ("*", "/"):
            node = Operation(self._take()[1], node, self._signed())
        return node

    def _signed(self) -> Node:
        if self._peek() == "-":
            self._take()
            return Negation(self._signed())
        return self._power()

    def _power(self) -> Node:
        node = self._atom()
        if self._peek() == "^":
            self._take()
            return Operation("^", node, self._signed())
        return node

    def _atom(self) -> Node:
        kind, text = self._take()
        if kind == "number":
            return Number(float(text))
        if kind == "string":
            return Text(text[1:-1])
        if kind == "name":
            if self._peek() == "(":
                self._take()
                return Call(text, self._list_until(")"))
            return Reference(text)
        if text == "(":
            node = self._either()
            self._expect(")")
            return node
        if text == "[":
            return ArrayOf(self._list_until("]"))
        raise self._error(f"unexpected {text!r}")

    def _list_until(self, closing: str) -> tuple[Node, ...]:
        members: list[Node] = []
        if self._peek() == closing:
            self._take()
            return ()
        while True:
            members.append(self._either())
            sign = self._take()[1]
            if sign == closing:
                return tuple(members)
            if sign != ",":
                raise self._error(f"expected ',' or {closing!r}, found {sign!r}")
