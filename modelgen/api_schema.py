"""The schema that AppSync serves: appsync_src/api.graphql.

Names and shapes are the ones that Amplify's clients expect of a versioned API: `_version`,
`_deleted` and `_lastChangedAt` on every model, `sync...` queries with `startedAt`, inputs for
conditions and filters, three subscriptions per model.
https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-sync.html
"""

from __future__ import annotations

from collections.abc import Iterator

from graphql import print_ast

from modelgen.domain import KEY, Domain, Field, Index, Model
from modelgen.plans import MUTATIONS

HEADER = "# Made by `python -m modelgen` from schema.graphql; every change here is lost.\n"
# Every way to sign in may reach every type and field; the resolvers decide what it may do there.
# https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html#using-additional-authorization-modes
ANYBODY_WITH_CREDENTIALS = "@aws_api_key @aws_cognito_user_pools @aws_iam"
SIGNED = ANYBODY_WITH_CREDENTIALS
FILTERED_AS = {"ID": "ID", "Int": "Int", "Float": "Float", "Boolean": "Boolean"}
STAMPS = ("createdAt", "updatedAt")
OPERATORS = """\
enum ModelAttributeTypes {
  binary
  binarySet
  bool
  list
  map
  number
  numberSet
  string
  stringSet
  _null
}

enum ModelSortDirection {
  ASC
  DESC
}

input ModelSizeInput {
  ne: Int
  eq: Int
  le: Int
  lt: Int
  ge: Int
  gt: Int
  between: [Int]
}
"""
COMPARED = ("ne", "eq", "le", "lt", "ge", "gt")


def api_schema(domain: Domain) -> str:
    """The whole schema as text."""
    blocks = [
        HEADER.rstrip(),
        *(print_ast(enum) for enum in domain.enums),
        *(
            print_ast(node).replace(f"type {node.name.value}", f"type {node.name.value} {SIGNED}")
            for node in domain.embedded
        ),
        *(_embedded_input(print_ast(node)) for node in domain.embedded),
        *(block for model in domain.models for block in _model_blocks(model, domain)),
        OPERATORS.rstrip(),
        *_scalar_inputs(),
        *(_enum_inputs(enum.name.value) for enum in domain.enums),
        _block(f"type Query {SIGNED}", _queries(domain)),
        _block(f"type Mutation {SIGNED}", _mutations(domain)),
        _block(f"type Subscription {SIGNED}", _subscriptions(domain)),
    ]
    return "\n\n".join(blocks) + "\n"


def _block(head: str, lines: Iterator[str] | list[str]) -> str:
    return "\n".join([f"{head} {{", *(f"  {line}" for line in lines), "}"])


def _embedded_input(text: str) -> str:
    """`type Address {` -> `input AddressInput {`, without descriptions."""
    body = text[text.index("type ") :]
    name = body.split()[1]
    return body.replace(f"type {name}", f"input {name}Input", 1)


def _model_blocks(model: Model, domain: Domain) -> Iterator[str]:
    name = model.name
    described = f'"""\n{model.description}\n"""\n' if model.description else ""
    yield described + _block(f"type {name} {SIGNED}", _object(model, domain))
    yield _block(
        f"type Model{name}Connection {SIGNED}",
        [f"items: [{name}]!", "nextToken: String", "startedAt: AWSTimestamp"],
    )
    yield _block(f"input Create{name}Input", _inputs(model, creating=True))
    yield _block(f"input Update{name}Input", _inputs(model, creating=False))
    yield _block(f"input Delete{name}Input", [f"{KEY}: ID!", "_version: Int"])
    yield _block(f"input Model{name}ConditionInput", _filter(model, domain, {KEY}, "Condition"))
    yield _block(f"input Model{name}FilterInput", _filter(model, domain, set(), "Filter"))
    for index in model.indexes:
        keys = {index.partition, index.sort}
        named = f"{_capital(index.name)}Filter"
        yield _block(f"input {_index_filter(model, index)}", _filter(model, domain, keys, named))
    yield _block(f"input ModelSubscription{name}FilterInput", _subscription_filter(model))


def _object(model: Model, domain: Domain) -> Iterator[str]:
    yield from (f"{field.name}: {field.written}" for field in model.fields)
    if model.owned:
        yield "owner: String"
    yield from (f"{stamp}: AWSDateTime!" for stamp in STAMPS)
    yield from ("_version: Int!", "_deleted: Boolean", "_lastChangedAt: AWSTimestamp!")
    for relation in model.relations:
        if relation.many:
            (target,) = (each for each in domain.models if each.name == relation.model)
            (index,) = (each for each in target.indexes if each.name == relation.through)
            filtered = f"filter: {_index_filter(target, index)}"
            yield f"{relation.field}({filtered}, {_PAGE}): Model{relation.model}Connection"
        else:
            yield f"{relation.field}: {relation.model}"


def _inputs(model: Model, *, creating: bool) -> Iterator[str]:
    for field in model.fields:
        written = field.written.replace(field.named, f"{field.named}Input", field.embedded)
        required = field.name == KEY if not creating else field.required and field.name != KEY
        yield f"{field.name}: {written.rstrip('!')}{'!' if required else ''}"
    if model.owned and creating:
        yield "owner: String"
    yield "_version: Int"


def _index_filter(model: Model, index: Index) -> str:
    """A filter without the keys of the index, which DynamoDB refuses there.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html
    """
    return f"Model{model.name}{_capital(index.name)}FilterInput"


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


def _filter(model: Model, domain: Domain, without: set[str], kind: str) -> Iterator[str]:
    enums = {enum.name.value for enum in domain.enums}
    for field in _compared(model):
        if field.name not in without:
            of = field.named if field.named in enums else FILTERED_AS.get(field.named, "String")
            yield f"{field.name}: Model{of}Input"
    if model.owned:
        yield "owner: ModelStringInput"
    yield from (f"{stamp}: ModelStringInput" for stamp in STAMPS)
    yield "_deleted: ModelBooleanInput"
    own = f"Model{model.name}{kind}Input"
    yield from (f"and: [{own}]", f"or: [{own}]", f"not: {own}")


def _subscription_filter(model: Model) -> Iterator[str]:
    for field in _compared(model):
        yield f"{field.name}: ModelSubscription{FILTERED_AS.get(field.named, 'String')}Input"
    yield from (f"{stamp}: ModelSubscriptionStringInput" for stamp in STAMPS)
    yield "_deleted: ModelSubscriptionBooleanInput"
    own = f"ModelSubscription{model.name}FilterInput"
    yield from (f"and: [{own}]", f"or: [{own}]")


def _compared(model: Model) -> list[Field]:
    return [field for field in model.fields if not field.embedded]


def _scalar_inputs() -> Iterator[str]:
    for name in ("String", "ID"):
        yield _block(
            f"input Model{name}Input",
            [
                *(f"{operator}: {name}" for operator in COMPARED),
                *(f"{operator}: {name}" for operator in ("contains", "notContains", "beginsWith")),
                f"between: [{name}]",
                *_attribute_operators(),
                "size: ModelSizeInput",
            ],
        )
    for name in ("Int", "Float"):
        yield _block(
            f"input Model{name}Input",
            [
                *(f"{operator}: {name}" for operator in COMPARED),
                f"between: [{name}]",
                *_attribute_operators(),
            ],
        )
    yield _block("input ModelBooleanInput", ["ne: Boolean", "eq: Boolean", *_attribute_operators()])
    yield _block(
        "input ModelStringKeyConditionInput",
        [
            *(f"{operator}: String" for operator in COMPARED if operator != "ne"),
            "between: [String]",
            "beginsWith: String",
        ],
    )
    yield from _subscription_inputs()


def _attribute_operators() -> list[str]:
    return ["attributeExists: Boolean", "attributeType: ModelAttributeTypes"]


def _subscription_inputs() -> Iterator[str]:
    texts = ("contains", "notContains", "beginsWith")
    for name in ("String", "ID", "Int", "Float"):
        yield _block(
            f"input ModelSubscription{name}Input",
            [
                *(f"{operator}: {name}" for operator in COMPARED),
                *(f"{operator}: {name}" for operator in texts if name in ("String", "ID")),
                f"between: [{name}]",
                f"in: [{name}]",
                f"notIn: [{name}]",
            ],
        )
    yield _block("input ModelSubscriptionBooleanInput", ["ne: Boolean", "eq: Boolean"])


def _enum_inputs(name: str) -> str:
    return _block(f"input Model{name}Input", [f"ne: {name}", f"eq: {name}"])


_PAGE = "sortDirection: ModelSortDirection, limit: Int, nextToken: String"


def _queries(domain: Domain) -> Iterator[str]:
    for model in domain.models:
        name, plural = model.name, model.plural
        paged = f"filter: Model{name}FilterInput, limit: Int, nextToken: String"
        yield f"get{name}({KEY}: ID!): {name}"
        yield f"list{plural}({paged}): Model{name}Connection"
        yield f"sync{plural}({paged}, lastSync: AWSTimestamp): Model{name}Connection"
        yield from (_index_query(model, index) for index in model.indexes)


def _index_query(model: Model, index: Index) -> str:
    (partition,) = (field.named for field in model.fields if field.name == index.partition)
    return (
        f"{index.query_field}({index.partition}: {partition}!, "
        f"{index.sort}: ModelStringKeyConditionInput, "
        f"filter: {_index_filter(model, index)}, {_PAGE}): Model{model.name}Connection"
    )


def _mutations(domain: Domain) -> Iterator[str]:
    for model in domain.models:
        for operation in MUTATIONS:
            yield (
                f"{operation}{model.name}(input: {operation.title()}{model.name}Input!, "
                f"condition: Model{model.name}ConditionInput): {model.name}"
            )


def _subscriptions(domain: Domain) -> Iterator[str]:
    for model in domain.models:
        owner = ", owner: String" if model.owned else ""
        for operation in MUTATIONS:
            yield (
                f"on{operation.title()}{model.name}"
                f"(filter: ModelSubscription{model.name}FilterInput{owner}): {model.name}"
            )
            yield f'  @aws_subscribe(mutations: ["{operation}{model.name}"])'
