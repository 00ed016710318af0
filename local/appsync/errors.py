"""The errors that a GraphQL caller sees, in AppSync's shape.

https://docs.aws.amazon.com/appsync/latest/devguide/built-in-util-js.html (util.error)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = Any


class FieldError(Exception):
    """A field that failed: what `util.error` raises and what a data source reports."""

    def __init__(
        self, message: str, error_type: str | None, *, data: Json = None, info: Json = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.data = data
        self.info = info

    def as_context(self) -> dict[str, Json]:
        """`ctx.error` of a response handler."""
        return {"message": self.message, "type": self.error_type}

    def shaped(
        self, path: Sequence[str | int], locations: Sequence[Mapping[str, int]], data: Json
    ) -> dict[str, Json]:
        """An entry of `errors`."""
        return {
            "path": list(path),
            "data": data,
            "errorType": self.error_type,
            "errorInfo": self.info,
            "locations": [{**place, "sourceName": None} for place in locations],
            "message": self.message,
        }


class RequestError(Exception):
    """A request that is refused as a whole, before any resolver runs."""

    def __init__(self, status: int, error_type: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_type = error_type
        self.message = message

    def body(self) -> dict[str, Json]:
        """The JSON of the HTTP answer."""
        return {"errors": [{"errorType": self.error_type, "message": self.message}]}


class DocumentError(Exception):
    """A document that parses but may not run; HTTP 200 with `data` null."""

    def __init__(self, errors: Sequence[Mapping[str, Json]]) -> None:
        super().__init__(str(errors[0]["message"]))
        self.errors = list(errors)

    def body(self) -> dict[str, Json]:
        """The JSON of the HTTP answer."""
        return {"data": None, "errors": self.errors}


def unauthorized(type_name: str, field_name: str) -> FieldError:
    """What a caller reads who may not see a field.

    https://docs.aws.amazon.com/appsync/latest/devguide/security-authorization-use-cases.html
    """
    return FieldError(f"Not Authorized to access {field_name} on type {type_name}", "Unauthorized")
