"""Bedrock's metadata filter: checked as the API checks it, and decided for one chunk.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_RetrievalFilter.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/kb-test-config.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from local.stores.store import Filter, MetadataValue, StoreError

COMBINING = ("andAll", "orAll")
MOST_PARTS = 5
Comparison = Callable[[MetadataValue | None, object], bool]


def matches(accepts: Filter, metadata: Mapping[str, MetadataValue]) -> bool:
    """Whether a chunk's metadata fulfils a filter that `check` has let pass."""
    ((operator, operand),) = accepts.items()
    if operator in COMBINING:
        decisions = (matches(each, metadata) for each in _parts(operator, operand))
        return all(decisions) if operator == "andAll" else any(decisions)
    key, value = _attribute(operator, operand)
    return COMPARISONS[operator](metadata.get(key), value)


def check(accepts: Filter, *, unsupported: Sequence[str] = (), depth: int = 1) -> None:
    """Raise StoreError for what the API or the store refuses."""
    if len(accepts) != 1:
        raise StoreError(
            "a filter names exactly one operator; combine several with andAll or orAll"
        )
    ((operator, operand),) = accepts.items()
    if operator in COMBINING:
        if depth > 2:
            raise StoreError("filter groups can be nested one level deep, no deeper")
        for each in _parts(operator, operand):
            check(each, unsupported=unsupported, depth=depth + 1)
        return
    if operator not in COMPARISONS:
        raise StoreError(f"{operator} is no filter operator; one of {', '.join(COMPARISONS)}")
    if operator in unsupported:
        raise StoreError(f"the vector store does not support the filter operator {operator}")
    _, value = _attribute(operator, operand)
    if operator in ("in", "notIn") and not isinstance(value, list):
        raise StoreError(f"the value of {operator} is a list")
    if operator in ("startsWith", "stringContains") and not isinstance(value, str):
        raise StoreError(f"the value of {operator} is text")


def _parts(operator: str, operand: object) -> list[Filter]:
    if not isinstance(operand, list) or len(operand) < 2:
        raise StoreError(f"{operator} takes a list of at least two filters")
    if len(operand) > MOST_PARTS:
        raise StoreError(f"{operator} takes at most {MOST_PARTS} filters, and has {len(operand)}")
    return operand


def _attribute(operator: str, operand: object) -> tuple[str, object]:
    if not isinstance(operand, Mapping) or set(operand) != {"key", "value"}:
        raise StoreError(f"{operator} takes an object with `key` and `value`")
    return str(operand["key"]), operand["value"]


def _equal(found: object, wanted: object) -> bool:
    # A truth value equals no number, as in JSON.
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _ordered(decide: Callable[[float, float], bool]) -> Comparison:
    def compare(found: MetadataValue | None, wanted: object) -> bool:
        numbers = [
            each
            for each in (found, wanted)
            if isinstance(each, int | float) and not isinstance(each, bool)
        ]
        return len(numbers) == 2 and decide(*numbers)

    return compare


def _is_in(found: MetadataValue | None, wanted: object) -> bool:
    return isinstance(wanted, list) and any(_equal(found, each) for each in wanted)


def _contains_text(found: MetadataValue | None, wanted: object) -> bool:
    members = found if isinstance(found, list) else [found]
    return any(isinstance(each, str) and str(wanted) in each for each in members)


COMPARISONS: dict[str, Comparison] = {
    "equals": _equal,
    "notEquals": lambda found, wanted: not _equal(found, wanted),  # also where there is no key
    "greaterThan": _ordered(lambda found, wanted: found > wanted),
    "greaterThanOrEquals": _ordered(lambda found, wanted: found >= wanted),
    "lessThan": _ordered(lambda found, wanted: found < wanted),
    "lessThanOrEquals": _ordered(lambda found, wanted: found <= wanted),
    "in": _is_in,
    "notIn": lambda found, wanted: found is not None and not _is_in(found, wanted),
    "startsWith": lambda found, wanted: isinstance(found, str) and found.startswith(str(wanted)),
    "listContains": lambda found, wanted: isinstance(found, list) and wanted in found,
    "stringContains": _contains_text,
}
