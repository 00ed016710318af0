"""The tool of ReAct: arithmetic on numbers, bounded in size and time. Nothing else is evaluated."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast

LONGEST_EXPRESSION = 200
LARGEST = 1e18
LARGEST_EXPONENT = 64


class ArithmeticProblem(Exception):  # noqa: N818 - an answer to the model
    """An expression that is not evaluated, and why."""


def evaluated(expression: str) -> str:
    """The value of an expression with + - * / // % ** and parentheses. Raises ArithmeticProblem."""
    try:
        return _written(_value(_parsed(expression)))
    except (ValueError, RecursionError):
        raise ArithmeticProblem("not an arithmetic expression") from None
    except ZeroDivisionError:
        raise ArithmeticProblem("division by zero") from None
    except OverflowError:
        raise ArithmeticProblem("too large") from None


def operands(expression: str) -> list[str]:
    """The numbers that an expression computes with, in their order. Raises ArithmeticProblem."""
    import ast

    found = [each for each in ast.walk(_parsed(expression)) if isinstance(each, ast.Constant)]
    found.sort(key=lambda each: each.col_offset)
    return [_written(each.value) for each in found if type(each.value) in (int, float)]  # type: ignore[arg-type]


def _parsed(expression: str) -> ast.AST:
    import ast

    if len(expression) > LONGEST_EXPRESSION:
        raise ArithmeticProblem(f"longer than {LONGEST_EXPRESSION} characters")
    try:
        written = expression.strip().replace("^", "**").replace("×", "*")
        return ast.parse(written, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ArithmeticProblem("not an arithmetic expression") from None


def _written(value: float) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _value(node: ast.AST) -> int | float:
    import ast

    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return _bounded(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.UAdd | ast.USub):
        inner = _value(node.operand)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp):
        return _bounded(_combined(node.op, _value(node.left), _value(node.right)))
    raise ArithmeticProblem("only numbers, + - * / // % ** and parentheses are evaluated")


def _combined(operator: ast.operator, left: float, right: float) -> float:
    import ast
    import operator as functions

    if isinstance(operator, ast.Pow) and abs(right) > LARGEST_EXPONENT:
        raise ArithmeticProblem(f"an exponent beyond {LARGEST_EXPONENT}")
    known = {
        ast.Add: functions.add, ast.Sub: functions.sub, ast.Mult: functions.mul,
        ast.Div: functions.truediv, ast.FloorDiv: functions.floordiv, ast.Mod: functions.mod,
        ast.Pow: functions.pow,
    }  # fmt: skip
    function = known.get(type(operator))
    if function is None:
        raise ArithmeticProblem("only + - * / // % ** are evaluated")
    value = function(left, right)
    if isinstance(value, complex):
        raise ArithmeticProblem("not a real number")
    return value  # type: ignore[no-any-return]


def _bounded(value: float) -> float:
    if not abs(value) <= LARGEST:
        raise ArithmeticProblem("too large")
    return value
