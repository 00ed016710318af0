"""Resolve CloudFormation's intrinsic functions with values that the caller knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class UnresolvedError(LookupError):
    """A template refers to something that no value was given for; names it."""


class Resolver:
    """Replace Ref, Fn::GetAtt, Fn::Sub, Fn::Join, Fn::Select and Fn::ImportValue by values.

    `values` maps a logical id or pseudo parameter to what Ref gives ("Queue", "AWS::Region"),
    "Id.Attribute" to what Fn::GetAtt gives, and an export's name to its value. With `symbolic`,
    what is unknown becomes its own name in ${}: enough to tell two references apart offline.
    """

    def __init__(self, values: Mapping[str, str], *, symbolic: bool = False) -> None:
        self._values = values
        self._symbolic = symbolic
        self._functions: Mapping[str, Callable[[Any], Any]] = {
            "Ref": self._known,
            "Fn::GetAtt": self._attribute,
            "Fn::ImportValue": lambda name: self._known(str(self(name))),
            "Fn::Join": lambda parts: str(parts[0]).join(str(self(part)) for part in parts[1]),
            "Fn::Select": lambda pair: self(pair[1])[int(self(pair[0]))],
            "Fn::Sub": self._substituted,
        }

    def __call__(self, value: Any) -> Any:
        """The value with every intrinsic function in it resolved. Raises UnresolvedError."""
        if isinstance(value, list):
            return [self(member) for member in value]
        if not isinstance(value, Mapping):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions:
                return self._functions[name](argument)
            if name.startswith("Fn::") and not self._symbolic:
                raise UnresolvedError(f"{name} is not an intrinsic function that is resolved here")
        return {name: self(member) for name, member in value.items()}

    def _known(self, name: str) -> str:
        if name in self._values:
            return self._values[name]
        if self._symbolic:
            return f"${{{name}}}"
        raise UnresolvedError(
            f"the template refers to {name!r}, for which no value was given; pass it in the mapping"
        )

    def _attribute(self, argument: str | list[str]) -> str:
        name = argument if isinstance(argument, str) else ".".join(map(str, argument))
        return self._known(name)

    def _substituted(self, argument: Any) -> str:
        text, local = (argument, {}) if isinstance(argument, str) else argument

        def one(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            return str(self(local[name])) if name in local else self._known(name)

        return VARIABLE.sub(one, text)
