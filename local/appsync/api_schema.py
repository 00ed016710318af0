"""An API's schema: AppSync's scalars and directives over graphql-core.

https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#using-additional-authorization-modes
https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-data.html
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    ScalarTypeDefinitionNode,
    build_ast_schema,
    parse,
    value_from_ast_untyped,
)

from local.appsync.scalars import CHECKS, fill

PRELUDE = parse(
    "\n".join(f"scalar {name}" for name in CHECKS)
    + """
    directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
    directive @aws_publish(subscriptions: [String]) on FIELD_DEFINITION
    directive @aws_auth(cognito_groups: [String!]!) on FIELD_DEFINITION
    directive @aws_api_key on OBJECT | FIELD_DEFINITION
    directive @aws_iam on OBJECT | FIELD_DEFINITION
    directive @aws_oidc on OBJECT | FIELD_DEFINITION
    directive @aws_lambda on OBJECT | FIELD_DEFINITION
    directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
    """
)
MODES = {
    "aws_api_key": "API_KEY",
    "aws_iam": "AWS_IAM",
    "aws_oidc": "OPENID_CONNECT",
    "aws_lambda": "AWS_LAMBDA",
    "aws_cognito_user_pools": "AMAZON_COGNITO_USER_POOLS",
    "aws_auth": "AMAZON_COGNITO_USER_POOLS",
}
Rules = Mapping[str, frozenset[str] | None]
"""The modes that may see a field; for user pools perhaps only these groups."""


class SchemaError(ValueError):
    """A schema that AppSync would not take."""


@dataclass(frozen=True)
class ApiSchema:
    """A built schema with what its directives say."""

    graphql: GraphQLSchema
    rules: dict[tuple[str, str], Rules] = field(default_factory=dict)
    subscriptions: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The mutations that each subscription is told of."""

    def subscribed_to(self, mutation: str) -> list[str]:
        """The subscription fields that a mutation triggers."""
        return [name for name, mutations in self.subscriptions.items() if mutation in mutations]


@functools.lru_cache(maxsize=32)
def api_schema(definition: str) -> ApiSchema:
    """Build a schema from its text. Raises SchemaError."""
    try:
        document = parse(definition, no_location=False)
        schema = build_ast_schema(_with_prelude(document))
    except (GraphQLError, TypeError) as error:
        raise SchemaError(str(error)) from None
    for name, each in schema.type_map.items():
        if name in CHECKS and isinstance(each, GraphQLScalarType):
            fill(name, each)
    built = ApiSchema(schema)
    for each in schema.type_map.values():
        if isinstance(each, GraphQLObjectType) and not each.name.startswith("__"):
            _read_rules(built, each)
    _read_subscriptions(built)
    return built


def _with_prelude(document: DocumentNode) -> DocumentNode:
    """Definitions of ours that the text does not have itself."""
    own = {
        definition.name.value
        for definition in document.definitions
        if isinstance(definition, ScalarTypeDefinitionNode | DirectiveDefinitionNode)
    }
    ours = [each for each in PRELUDE.definitions if _name(each) not in own]
    return DocumentNode(definitions=[*ours, *document.definitions])


def _name(node: Any) -> str:
    return str(node.name.value)


def _read_rules(built: ApiSchema, each: GraphQLObjectType) -> None:
    """A field's own directives count before its type's."""
    of_type = _rules(each.ast_node.directives if each.ast_node else ())
    for name, definition in each.fields.items():
        own = _rules(definition.ast_node.directives if definition.ast_node else ())
        if own or of_type:
            built.rules[each.name, name] = own or of_type


def _rules(directives: Sequence[DirectiveNode]) -> Rules:
    found: dict[str, frozenset[str] | None] = {}
    for directive in directives:
        mode = MODES.get(_name(directive))
        if mode:
            groups = _argument(directive, "cognito_groups")
            found[mode] = frozenset(groups) if groups else None
    return found


def _argument(directive: DirectiveNode, name: str) -> Any:
    for argument in directive.arguments:
        if argument.name.value == name:
            return value_from_ast_untyped(argument.value)
    return None


def _read_subscriptions(built: ApiSchema) -> None:
    subscription, mutation = built.graphql.subscription_type, built.graphql.mutation_type
    for name, definition in (subscription.fields if subscription else {}).items():
        for directive in definition.ast_node.directives if definition.ast_node else ():
            if _name(directive) == "aws_subscribe":
                mutations = tuple(_argument(directive, "mutations"))
                unknown = [
                    each for each in mutations if not mutation or each not in mutation.fields
                ]
                if unknown:
                    raise SchemaError(
                        f"Subscription field '{name}' has an invalid mutation '{unknown[0]}'"
                    )
                built.subscriptions[name] = mutations
