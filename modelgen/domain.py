"""What the annotated schema says, as data: models with their fields, indexes, relations, rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    TypeNode,
    parse,
    print_ast,
    value_from_ast_untyped,
)

OPERATIONS = ("create", "read", "update", "delete")
KEY = "id"
OWNER = "owner"


class SchemaError(Exception):
    """The annotated schema asks for something that is not made here; the message says what."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field that is stored with its item."""

    name: str
    written: str  # as in the schema, such as `[String!]`
    named: str  # without brackets and exclamation marks
    required: bool
    embedded: bool  # an object without a table of its own


@dataclass(frozen=True, kw_only=True)
class Index:
    """A global secondary index, and the query that reads it."""

    name: str
    query_field: str
    partition: str
    sort: str


@dataclass(frozen=True, kw_only=True)
class Relation:
    """`field` leads to `model`: to the one whose id is in `through`, or to many by an index."""

    field: str
    model: str
    through: str
    many: bool


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Who may do what: `allow` is owner, groups or private (whoever is signed in)."""

    allow: str
    groups: tuple[str, ...]
    operations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A type with a table of its own."""

    name: str
    description: str
    fields: tuple[Field, ...]
    indexes: tuple[Index, ...]
    relations: tuple[Relation, ...]
    rules: tuple[Rule, ...]

    @property
    def plural(self) -> str:
        """As in the names of its queries; the generator of the clients' models has to agree."""
        return f"{self.name}s"

    @property
    def owned(self) -> bool:
        """Items belong to who created them."""
        return any(rule.allow == OWNER for rule in self.rules)


@dataclass(frozen=True, kw_only=True)
class Domain:
    """Everything in the schema, in its order."""

    models: tuple[Model, ...]
    embedded: tuple[ObjectTypeDefinitionNode, ...]
    enums: tuple[EnumTypeDefinitionNode, ...]


def read_domain(text: str) -> Domain:
    """Read an annotated schema. Raises SchemaError, or graphql's error with line and column."""
    document = parse(text)
    types = [node for node in document.definitions if isinstance(node, ObjectTypeDefinitionNode)]
    models = {node.name.value: node for node in types if _directive(node, "model")}
    embedded = {node.name.value: node for node in types if not _directive(node, "model")}
    return Domain(
        models=tuple(_model(node, models, embedded) for node in models.values()),
        embedded=tuple(embedded.values()),
        enums=tuple(_enums(document)),
    )


def _enums(document: DocumentNode) -> Iterator[EnumTypeDefinitionNode]:
    for node in document.definitions:
        if isinstance(node, EnumTypeDefinitionNode):
            yield node


def _model(
    node: ObjectTypeDefinitionNode,
    models: dict[str, ObjectTypeDefinitionNode],
    embedded: dict[str, ObjectTypeDefinitionNode],
) -> Model:
    name = node.name.value
    stored = [field for field in node.fields if _named(field.type) not in models]
    key = stored[0] if stored else None
    if key is None or key.name.value != KEY or print_ast(key.type) != "ID!":
        raise SchemaError(f"{name}: the first field has to be `{KEY}: ID!`, the key of its table.")
    return Model(
        name=name,
        description=node.description.value if node.description else "",
        fields=tuple(
            Field(
                name=field.name.value,
                written=print_ast(field.type),
                named=_named(field.type),
                required=isinstance(field.type, NonNullTypeNode),
                embedded=_named(field.type) in embedded,
            )
            for field in stored
        ),
        indexes=tuple(index for field in stored for index in _indexes(field)),
        relations=tuple(
            _relation(name, field) for field in node.fields if _named(field.type) in models
        ),
        rules=tuple(_rules(node)),
    )


def _indexes(field: FieldDefinitionNode) -> Iterator[Index]:
    for directive in field.directives:
        if directive.name.value == "index":
            given = _arguments(directive)
            (sort,) = given["sortKeyFields"]
            yield Index(
                name=given["name"],
                query_field=given["queryField"],
                partition=field.name.value,
                sort=sort,
            )


def _relation(model: str, field: FieldDefinitionNode) -> Relation:
    name, target = field.name.value, _named(field.type)
    for kind in ("belongsTo", "hasMany"):
        directive = _directive(field, kind)
        if directive:
            given = _arguments(directive)
            many = kind == "hasMany"
            return Relation(
                field=name,
                model=target,
                through=given["indexName"] if many else given["fields"][0],
                many=many,
            )
    raise SchemaError(f"{model}.{name}: say @belongsTo(fields:) or @hasMany(indexName:, fields:).")


def _rules(node: ObjectTypeDefinitionNode) -> Iterator[Rule]:
    directive = _directive(node, "auth")
    if directive is None:
        raise SchemaError(f"{node.name.value}: without @auth nobody could reach it.")
    for rule in _arguments(directive)["rules"]:
        if rule["allow"] not in ("owner", "groups", "private"):
            raise SchemaError(f"{node.name.value}: allow {rule['allow']} is not made here.")
        yield Rule(
            allow=rule["allow"],
            groups=tuple(rule.get("groups", ())),
            operations=tuple(rule.get("operations", OPERATIONS)),
        )


def _directive(node: Any, name: str) -> DirectiveNode | None:
    found: DirectiveNode
    for found in node.directives:
        if found.name.value == name:
            return found
    return None


def _arguments(directive: DirectiveNode) -> dict[str, Any]:
    return {each.name.value: value_from_ast_untyped(each.value) for each in directive.arguments}


def _named(node: TypeNode) -> str:
    while isinstance(node, NonNullTypeNode | ListTypeNode):
        node = node.type
    assert isinstance(node, NamedTypeNode)
    return node.name.value
