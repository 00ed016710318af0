"""A document run against a deployed API: graphql-core walks it, our resolvers answer.

Fields are resolved one after another, on one thread per request; AppSync resolves the fields of a
query at once. https://docs.aws.amazon.com/appsync/latest/devguide/graphql-overview.html
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    execute_sync,
    get_location,
    get_named_type,
    print_ast,
)

from local.appsync.callers import Caller
from local.appsync.deployed_api import DeployedApi, Record
from local.appsync.documents import Document, fields_of, selected
from local.appsync.errors import FieldError, unauthorized
from local.appsync.field_resolvers import FieldResolvers, ResolvedField, constant_context

NULL = re.compile(r"^Cannot return null for non-nullable field (?P<parent>\w+)\.(?P<field>\w+)\.$")
UNKNOWN_INPUT = re.compile(r"Field '(?P<field>\w+)' is not defined by type '(?P<type>\w+)'")
MISSING_INPUT = re.compile(
    r"^Variable '\$(?P<variable>\w+)'.*?(?:Field '(?P<field>\w+)')? ?"
    r"of required type '(?P<type>[^']+)'"
)
RESOLVERS_IN_A_REQUEST = 10_000
logger = logging.getLogger("groundwork.appsync")


@dataclass(kw_only=True)
class Execution:
    """One operation under way, and what its resolvers left behind."""

    api: DeployedApi
    caller: Caller
    document: Document
    resolvers: FieldResolvers
    headers: Mapping[str, str]
    only_payload: bool = False
    """A push: the fields come from the mutation's answer, no resolver runs."""
    resolved: list[ResolvedField] = field(default_factory=list)
    counted: int = 0
    appended: list[tuple[FieldError, GraphQLResolveInfo]] = field(default_factory=list)
    _allowed: dict[tuple[str, str], bool] = field(default_factory=dict)

    def run(self, root: Any = None) -> dict[str, Any]:
        """The answer's `data` and `errors`."""
        answer = execute_sync(
            self.api.schema.graphql,
            self.document.ast,
            root_value=root,
            variable_values=dict(self.document.variables),
            operation_name=self.document.operation_name,
            field_resolver=self._resolve,
        )
        return self._shaped(answer)

    @functools.cached_property
    def constant(self) -> str:
        """The part of every `ctx` that does not change during the operation."""
        return constant_context(self.api, self.caller, self.headers)

    # Fields

    def _resolve(self, source: Any, info: GraphQLResolveInfo, /, **arguments: Any) -> Any:
        parent, name = info.parent_type.name, info.field_name
        if not self._may_see(parent, name):
            raise unauthorized(parent, name)
        resolver = None if self.only_payload else self.api.resolver(parent, name)
        if resolver is None:
            return source.get(name) if isinstance(source, Mapping) else None
        self._count()
        resolved = ResolvedField(
            api=self.api,
            caller=self.caller,
            parent_type=parent,
            name=name,
            arguments=arguments,
            source=source,
            info=self._info(info, resolver),
            constant=self.constant,
        )
        self.resolved.append(resolved)
        try:
            return self.resolvers.resolve(resolver, resolved)
        finally:
            for error in resolved.appended:
                self.appended.append((error, info))

    def _may_see(self, parent: str, name: str) -> bool:
        """Introspection is for whoever may call at all."""
        allowed = self._allowed.get((parent, name))
        if allowed is None:
            rules = self.api.schema.rules.get((parent, name))
            allowed = self._allowed[parent, name] = (
                parent.startswith("__")
                or name.startswith("__")
                or self.caller.may_see(rules, self.api.default_mode)
            ) and f"{parent}.{name}" not in self.caller.denied_fields
        return allowed

    def _count(self) -> None:
        """https://docs.aws.amazon.com/appsync/latest/devguide/graphql-run-complexity.html ."""
        self.counted += 1
        limit = int(self.api.record.get("resolverCountLimit") or 0) or RESOLVERS_IN_A_REQUEST
        if self.counted > limit:
            raise FieldError(f"The request exceeds the limit of {limit} resolvers.", "BadRequest")

    def _info(self, info: GraphQLResolveInfo, resolver: Record) -> dict[str, Any]:
        """`ctx.info`; the selection set only for code that looks at it."""
        about: dict[str, Any] = {
            "fieldName": info.field_name,
            "parentTypeName": info.parent_type.name,
            "variables": info.variable_values,
        }
        if self._looks_at_selection(resolver):
            about["selectionSetList"] = list(self._paths(info.field_nodes, ""))
            about["selectionSetGraphQL"] = "\n".join(
                print_ast(node.selection_set) for node in info.field_nodes if node.selection_set
            )
        return about

    def _looks_at_selection(self, resolver: Record) -> bool:
        steps = (resolver.get("pipelineConfig") or {}).get("functions") or ()
        units = [resolver, *(self.api.functions.get(step, {}) for step in steps)]
        return any("selectionSet" in str(unit.get("code")) for unit in units)

    def _paths(self, nodes: list[FieldNode], prefix: str) -> dict[str, None]:
        """A field with an alias is called by it, as documented of `selectionSetList`."""
        found: dict[str, None] = {}
        for node in nodes:
            for inner in fields_of(node.selection_set, self.document):
                path = f"{prefix}{(inner.alias or inner.name).value}"
                found[path] = None
                found |= self._paths([inner], f"{path}/")
        return found

    # Errors

    def _shaped(self, answer: ExecutionResult) -> dict[str, Any]:
        errors = [self._error(each) for each in answer.errors or ()]
        for error, info in self.appended:
            nodes = list(info.field_nodes)
            places = [_place(node) for node in nodes if node.loc]
            data = selected(error.data, nodes, self.document)
            errors.append(error.shaped(info.path.as_list(), places, data))
        return {"data": answer.data, **({"errors": errors} if errors else {})}

    def _error(self, error: GraphQLError) -> dict[str, Any]:
        original = error.original_error
        places = [{"line": each.line, "column": each.column} for each in error.locations or ()]
        if isinstance(original, FieldError):
            nodes = [node for node in error.nodes or () if isinstance(node, FieldNode)]
            data = selected(original.data, nodes, self.document)
            return original.shaped(error.path or [], places, data)
        worded = self._worded(error)
        if worded is None:
            logger.error("a field failed", exc_info=original)
            failure = FieldError("Internal failure", "InternalFailure")
            return failure.shaped(error.path or [], places, None)
        return {
            "path": error.path,
            "locations": None if error.path else _first(places),
            "message": worded,
        }

    def _worded(self, error: GraphQLError) -> str | None:
        """Texts of graphql-core as AppSync's callers know them; none for what is our own fault."""
        where = "/" + "/".join(str(each) for each in error.path or ())
        if match := NULL.match(error.message):
            parent, name = match["parent"], match["field"]
            owner = self.api.schema.graphql.type_map[parent]
            fields = owner.fields if isinstance(owner, GraphQLObjectType) else {}
            kind = get_named_type(fields[name].type)
            return (
                f"Cannot return null for non-nullable type: '{kind}' within parent '{parent}' "
                f"({where})"
            )
        if match := UNKNOWN_INPUT.search(error.message):
            return (
                f"The variables input contains a field name '{match['field']}' that is not "
                f"defined for input object type '{match['type']}' "
            )
        if match := MISSING_INPUT.search(error.message):
            name = match["field"] or match["variable"]
            return f"Variable '{name}' has coerced Null value for NonNull type '{match['type']}'"
        original = error.original_error
        if original is not None and not isinstance(original, GraphQLError):
            return None
        return f"Can't serialize value ({where}) : {error.message}" if error.path else error.message


def _first(places: list[dict[str, int]]) -> list[dict[str, Any]] | None:
    return [{**place, "sourceName": None} for place in places] or None


def _place(node: FieldNode) -> dict[str, int]:
    if node.loc is None:
        return {"line": 0, "column": 0}
    place = get_location(node.loc.source, node.loc.start)
    return {"line": place.line, "column": place.column}
