"""Two expressions that DynamoDB refuses and MiniStack takes.

- A filter of a Query on a key of the table or index that is read
  (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html).
- An update with two paths of which one is the other, or below it
  (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Token = tuple[str, str]
CLAUSES = ("SET", "REMOVE", "ADD", "DELETE")
WORDS = ("AND", "OR", "NOT", "IN", "BETWEEN")


def register() -> None:
    """Look at both before MiniStack does."""
    from ministack.core.responses import error_response_json
    from ministack.services import dynamodb

    query, update = dynamodb._query, dynamodb._apply_update_expression

    def refusing_query(data: dict[str, Any]) -> Any:
        table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName")))
        name = table and _filtered_key(table, data)
        if name:
            return error_response_json(
                "ValidationException",
                "Filter Expression can only contain non-primary key attributes: "
                f"Primary key attribute: {name}",
                400,
            )
        return query(data)

    def refusing_update(
        item: Any, expression: str, values: Any, names: Any, touched: Any = None
    ) -> Any:
        pair = _overlap(list(_updated_paths(dynamodb._tokenize(expression), names or {})))
        if pair:
            one, two = (f"[{', '.join(map(str, path))}]" for path in pair)
            raise ValueError(
                "Invalid UpdateExpression: Two document paths overlap with each other; must "
                f"remove or rewrite one of these paths; path one: {one}, path two: {two}"
            )
        return update(item, expression, values, names, touched)

    dynamodb._query, dynamodb._apply_update_expression = refusing_query, refusing_update


def _filtered_key(table: Mapping[str, Any], data: Mapping[str, Any]) -> str | None:
    """A key that the filter names."""
    from ministack.services import dynamodb

    schema = table["KeySchema"]
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in table.get(kind) or ():
            if index["IndexName"] == data.get("IndexName"):
                schema = index["KeySchema"]
    tokens = dynamodb._tokenize(data.get("FilterExpression") or "")
    named = set(_attributes(tokens, data.get("ExpressionAttributeNames") or {}))
    return next((key["AttributeName"] for key in schema if key["AttributeName"] in named), None)


def _attributes(tokens: list[Token], names: Mapping[str, str]) -> Iterator[str]:
    """The attributes of an expression, without what is below them."""
    for place, (kind, text) in enumerate(tokens):
        if kind not in ("IDENT", "NAME_REF") or (place and tokens[place - 1][0] == "DOT"):
            continue
        called = kind == "IDENT" and tokens[place + 1][0] == "LPAREN"
        if not called and text.upper() not in WORDS:
            yield names.get(text, text)


def _updated_paths(tokens: list[Token], names: Mapping[str, str]) -> Iterator[tuple[Any, ...]]:
    """The path at the beginning of every term of every clause."""
    from ministack.services import dynamodb

    clause: list[Token] = []
    for token in [*tokens, ("IDENT", CLAUSES[0])]:
        if token[0] == "IDENT" and token[1].upper() in CLAUSES:
            for term in dynamodb._split_by_comma(clause):
                yield tuple(dynamodb._parse_path_from_tokens(_path(term), names))
            clause = []
        elif token[0] != "EOF":
            clause.append(token)


def _path(term: list[Token]) -> list[Token]:
    """A term up to what is assigned, added or deleted."""
    for place, (kind, _) in enumerate(term):
        if kind in ("EQ", "VALUE_REF"):
            return term[:place]
    return term


def _overlap(paths: list[tuple[Any, ...]]) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
    for place, later in enumerate(paths):
        for earlier in paths[:place]:
            least = min(len(earlier), len(later))
            if earlier[:least] == later[:least]:
                return earlier, later
    return None
