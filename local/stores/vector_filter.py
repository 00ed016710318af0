"""The filter of QueryVectors, and Bedrock's filter said in it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-vectors-metadata-filtering.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from local.stores.store import Filter, StoreError

BEDROCK = {
    "equals": "$eq",
    "notEquals": "$ne",
    "greaterThan": "$gt",
    "greaterThanOrEquals": "$gte",
    "lessThan": "$lt",
    "lessThanOrEquals": "$lte",
    "in": "$in",
    "notIn": "$nin",
    "andAll": "$and",
    "orAll": "$or",
    # A list matches a value that it contains.
    "listContains": "$eq",
}


def matches(
    accepts: Mapping[str, Any], metadata: Mapping[str, Any], hidden: Collection[str]
) -> bool:
    """Whether metadata fulfils a filter; StoreError for a filter that the service refuses."""
    if not accepts:
        raise StoreError("Invalid query filter: it must not be empty")
    return all(_clause(name, value, metadata, hidden) for name, value in accepts.items())


def _clause(name: str, operand: Any, metadata: Mapping[str, Any], hidden: Collection[str]) -> bool:
    if name in ("$and", "$or"):
        if not isinstance(operand, list) or not operand:
            raise StoreError(f"Invalid query filter: {name} takes a list of filters")
        decisions = [matches(each, metadata, hidden) for each in operand]
        return all(decisions) if name == "$and" else any(decisions)
    if name.startswith("$"):
        raise StoreError(f"Invalid query filter: {name} stands where a metadata key is expected")
    if name in hidden:
        raise StoreError(f"Invalid query filter: '{name}' is a non-filterable metadata key")
    conditions = operand if isinstance(operand, Mapping) else {"$eq": operand}
    for operator in conditions:
        if operator not in CONDITIONS:
            raise StoreError(f"Invalid query filter: unknown operator {operator}")
    return all(CONDITIONS[each](metadata.get(name), value) for each, value in conditions.items())


def _same(found: Any, wanted: Any) -> bool:
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def _equals(found: Any, wanted: Any) -> bool:
    members = found if isinstance(found, list) else [found]
    return any(_same(each, wanted) for each in members)


def _ordered(decide: Callable[[float, float], bool]) -> Callable[[Any, Any], bool]:
    def compare(found: Any, wanted: Any) -> bool:
        if isinstance(wanted, bool) or not isinstance(wanted, int | float):
            raise StoreError("Invalid query filter: only numbers are compared by size")
        number = isinstance(found, int | float) and not isinstance(found, bool)
        return number and decide(found, wanted)

    return compare


def _one_of(found: Any, wanted: Any) -> bool:
    if not isinstance(wanted, list) or not wanted:
        raise StoreError("Invalid query filter: $in and $nin take a list that is not empty")
    return any(_equals(found, each) for each in wanted)


CONDITIONS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equals,
    "$ne": lambda found, wanted: not _equals(found, wanted),
    "$gt": _ordered(lambda found, wanted: found > wanted),
    "$gte": _ordered(lambda found, wanted: found >= wanted),
    "$lt": _ordered(lambda found, wanted: found < wanted),
    "$lte": _ordered(lambda found, wanted: found <= wanted),
    "$in": _one_of,
    "$nin": lambda found, wanted: not _one_of(found, wanted),
    "$exists": lambda found, wanted: (found is not None) == bool(wanted),
}


def from_bedrock(accepts: Filter) -> dict[str, Any]:
    """A checked filter of Bedrock as the knowledge base sends it to QueryVectors."""
    ((operator, operand),) = accepts.items()
    if operator in ("andAll", "orAll") and isinstance(operand, list):
        return {BEDROCK[operator]: [from_bedrock(each) for each in operand]}
    if not isinstance(operand, Mapping):
        raise StoreError(f"{operator} takes an object with `key` and `value`")
    condition = {BEDROCK[operator]: operand["value"]}
    if operator == "notIn":  # of documents that have the key, as Bedrock documents it
        condition["$exists"] = True
    return {str(operand["key"]): condition}
