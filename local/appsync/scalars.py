"""AppSync's own scalar types.

https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html
"""

from __future__ import annotations

import ipaddress
import json
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from graphql import (
    GraphQLError,
    GraphQLFloat,
    GraphQLScalarType,
    ValueNode,
    print_ast,
    value_from_ast_untyped,
)

OFFSET = re.compile(r"(Z|[+-]\d{2}:\d{2}(:\d{2})?)$")
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
PHONE = re.compile(r"^\+?[0-9][0-9 ()-]{2,19}$")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    return value


def _date(value: Any) -> str:
    date.fromisoformat(OFFSET.sub("", _text(value)))
    return str(value)


def _time(value: Any) -> str:
    time.fromisoformat(OFFSET.sub("", _text(value)))
    return str(value)


def _date_time(value: Any) -> str:
    """`YYYY-MM-DDThh:mm:ss.sssZ`: the offset is compulsory."""
    text = _text(value)
    if "T" not in text or not OFFSET.search(text):
        raise ValueError("not a date, a T, a time and an offset")
    datetime.fromisoformat(OFFSET.sub("", text))
    return text


def _timestamp(value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError("not an integer")
    return int(value)


def _email(value: Any) -> str:
    return _matching(EMAIL, value)


def _phone(value: Any) -> str:
    return _matching(PHONE, value)


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    if not pattern.match(_text(value)):
        raise ValueError("not of the form")
    return str(value)


def _url(value: Any) -> str:
    parts = urlsplit(_text(value))
    if not parts.scheme or not parts.netloc:
        raise ValueError("not a URL with a scheme")
    return str(value)


def _address(value: Any) -> str:
    ipaddress.ip_interface(_text(value))
    return str(value)


def _json_in(value: Any) -> Any:
    """JSON text is given to resolvers parsed."""
    return json.loads(_text(value))


def _json_out(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


Check = Callable[[Any], Any]
CHECKS: dict[str, tuple[Check, Check]] = {
    "AWSDate": (_date, _date),
    "AWSTime": (_time, _time),
    "AWSDateTime": (_date_time, _date_time),
    "AWSTimestamp": (_timestamp, _timestamp),
    "AWSEmail": (_email, _email),
    "AWSPhone": (_phone, _phone),
    "AWSURL": (_url, _url),
    "AWSIPAddress": (_address, _address),
    "AWSJSON": (_json_in, _json_out),
}


def fill(name: str, scalar: GraphQLScalarType) -> None:
    """Give a scalar of a built schema its behaviour."""
    parse, serialize = CHECKS[name]
    kind = name.removeprefix("AWS")

    def parsed(value: Any) -> Any:
        try:
            return parse(value)
        except (ValueError, TypeError):
            raise GraphQLError(f"Unable to parse `{value}` as a valid {kind} Object.") from None

    def serialized(value: Any) -> Any:
        try:
            return serialize(value)
        except (ValueError, TypeError):
            raise GraphQLError(f"Unable to serialize `{value}` as a valid {kind} Object.") from None

    def literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
        return parsed(value_from_ast_untyped(node, variables))

    scalar.parse_value = parsed  # type: ignore[method-assign]
    scalar.serialize = serialized  # type: ignore[method-assign]
    scalar.parse_literal = literal  # type: ignore[method-assign]


def _finite_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> Any:
    """graphql-core takes 1e400 for infinity, which JSON has no word for."""
    value = _literal_of_float(node, variables)
    if not math.isfinite(value):
        raise GraphQLError(f"Float cannot represent non numeric value: {print_ast(node)}", node)
    return value


_literal_of_float = GraphQLFloat.parse_literal
GraphQLFloat.parse_literal = _finite_literal  # type: ignore[method-assign]
