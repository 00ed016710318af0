"""A request's document: parsed, validated and held to the API's limits, in AppSync's words.

AppSync runs on graphql-java, whose kinds of validation errors it shows
(https://docs.aws.amazon.com/appsync/latest/devguide/troubleshooting-and-common-mistakes.html);
the texts after the kind are graphql-core's.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    specified_rules,
    validate,
)

from local.appsync.deployed_api import DeployedApi
from local.appsync.errors import DocumentError, RequestError

UNDEFINED = r"^Cannot query field '(?P<field>\w+)' on type '(?P<type>\w+)'"
KINDS = (
    (UNDEFINED, "FieldUndefined"),
    (r"^Unknown argument", "UnknownArgument"),
    (r"^Unknown type", "UnknownType"),
    (r"argument '\w+' of type '[^']+' is required", "MissingFieldArgument"),
    (r"must have a selection of subfields", "SubSelectionRequired"),
    (r"must not have a selection", "SubSelectionNotAllowed"),
    (r"^Variable '\$\w+' is not defined", "UndefinedVariable"),
    (r"^Variable '\$\w+' is never used", "UnusedVariable"),
    (r"used in position expecting type", "VariableTypeMismatch"),
    (r"^Unknown fragment", "UndefinedFragment"),
    (r"^Unknown directive", "UnknownDirective"),
    (r"^Expected value|cannot represent|is not defined by type|Unable to parse", "WrongType"),
)
ROOT_TYPES = {
    OperationType.QUERY: "Query",
    OperationType.MUTATION: "Mutation",
    OperationType.SUBSCRIPTION: "Subscription",
}


@dataclass(frozen=True, kw_only=True)
class Document:
    """A valid document and the operation that is to run."""

    text: str
    ast: DocumentNode
    operation: OperationDefinitionNode
    operation_name: str | None
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.operation.operation

    @property
    def root_type(self) -> str:
        """The type that the operation starts from."""
        return ROOT_TYPES[self.kind]


def document(api: DeployedApi, request: Mapping[str, Any]) -> Document:
    """What a request's body asks for. Raises RequestError or DocumentError."""
    text = request.get("query")
    if not isinstance(text, str) or not text.strip():
        raise _malformed("Unable to parse GraphQL query.")
    variables = request.get("variables") or {}
    if not isinstance(variables, Mapping):
        raise _malformed("Variables must be a map.")
    ast, errors = _validated(api.schema.graphql, text)
    if errors:
        raise DocumentError(errors)
    name = request.get("operationName") or None
    operation = _chosen(ast, name)
    found = Document(
        text=text,
        ast=ast,
        operation=operation,
        operation_name=name,
        fragments=_fragments(ast),
        variables=variables,
    )
    _hold_to_limits(api, found)
    return found


@functools.lru_cache(maxsize=512)
def _validated(
    schema: GraphQLSchema, text: str
) -> tuple[DocumentNode, tuple[Mapping[str, Any], ...]]:
    try:
        ast = parse(text)
    except GraphQLError:
        raise _malformed("Unable to parse GraphQL query.") from None
    return ast, tuple(_shaped(each) for each in validate(schema, ast, specified_rules))


def _shaped(error: GraphQLError) -> dict[str, Any]:
    said, where = error.message, "/".join(_names(error))
    kind = next((name for pattern, name in KINDS if re.search(pattern, said)), "InvalidSyntax")
    if match := re.search(UNDEFINED, said):
        said = f"Field '{match['field']}' in type '{match['type']}' is undefined"
    return {
        "path": None,
        "locations": [
            {"line": place.line, "column": place.column, "sourceName": None}
            for place in error.locations or ()
        ],
        "message": f"Validation error of type {kind}: {said}" + (f" @ '{where}'" if where else ""),
    }


def _names(error: GraphQLError) -> list[str]:
    return [node.name.value for node in error.nodes or () if isinstance(node, FieldNode)]


def _chosen(ast: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [each for each in ast.definitions if isinstance(each, OperationDefinitionNode)]
    if name:
        for each in operations:
            if each.name and each.name.value == name:
                return each
        raise _malformed(f"Unknown operation named '{name}'.")
    if len(operations) != 1:
        raise _malformed("Must provide operation name if query contains multiple operations.")
    return operations[0]


def _fragments(ast: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        each.name.value: each
        for each in ast.definitions
        if isinstance(each, FragmentDefinitionNode)
    }


def _hold_to_limits(api: DeployedApi, found: Document) -> None:
    """Depth and introspection; resolvers are counted while they run.

    https://docs.aws.amazon.com/appsync/latest/devguide/graphql-run-complexity.html
    """
    if not api.introspection and _introspects(found):
        raise DocumentError([_plain_error("Introspection queries are disabled for this API.")])
    limit = int(api.record.get("queryDepthLimit") or 0)
    depth = _depth(found.operation.selection_set, found)
    if limit and depth > limit:
        raise DocumentError(
            [_plain_error(f"Query depth {depth} exceeds the limit of {limit} for this API.")]
        )


def _introspects(found: Document) -> bool:
    return any(
        node.name.value in ("__schema", "__type")
        for node in fields_of(found.operation.selection_set, found)
    )


def _depth(selections: SelectionSetNode | None, found: Document) -> int:
    deeper = [_depth(node.selection_set, found) for node in fields_of(selections, found)]
    return 1 + max(deeper) if deeper else 0


def fields_of(selections: SelectionSetNode | None, found: Document) -> Iterator[FieldNode]:
    """The fields of a selection set, fragments included."""
    for node in selections.selections if selections else ():
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from fields_of(node.selection_set, found)
        elif isinstance(node, FragmentSpreadNode):
            yield from fields_of(found.fragments[node.name.value].selection_set, found)


def selected(value: Any, nodes: Sequence[FieldNode], found: Document) -> Any:
    """A value cut down to what fields select of it, under the fields' own names.

    `util.error`: "The data will be filtered based on the query selection set."
    """
    if isinstance(value, list):
        return [selected(each, nodes, found) for each in value]
    if not isinstance(value, Mapping):
        return value
    chosen: dict[str, list[FieldNode]] = {}
    for node in nodes:
        for inner in fields_of(node.selection_set, found):
            chosen.setdefault(inner.name.value, []).append(inner)
    if not chosen:
        return dict(value)
    return {name: selected(value.get(name), inner, found) for name, inner in chosen.items()}


def _plain_error(message: str) -> dict[str, Any]:
    return {"path": None, "locations": None, "message": message}


def _malformed(message: str) -> RequestError:
    return RequestError(400, "MalformedHttpRequestException", message)
