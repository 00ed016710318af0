"""What is committed is what the schema makes, here and in AWS's generator."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from graphql import (
    DocumentNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    ObjectTypeDefinitionNode,
    build_schema,
    parse,
    validate,
)

from modelgen.__main__ import API, CLIENTS, PLANS, SOURCE
from modelgen.api_schema import api_schema
from modelgen.domain import SchemaError, read_domain
from modelgen.plans import plans
from stacks.appsync_source import api_schema as deployed_schema
from stacks.appsync_source import read_models
from tests.built_once import REPOSITORY
from tests.offline.node import needs_node_modules, node

REMEDY = "run: make models"
# AppSync's own scalars and directives.
# https://docs.aws.amazon.com/appsync/latest/devguide/scalars.html
BUILT_IN = """
scalar AWSDateTime
scalar AWSPhone
scalar AWSTimestamp
directive @aws_api_key on OBJECT | FIELD_DEFINITION
directive @aws_cognito_user_pools on OBJECT | FIELD_DEFINITION
directive @aws_iam on OBJECT | FIELD_DEFINITION
directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
"""
# As the client sends it, apart from the fields.
CLIENT_DOCUMENTS = """
query S($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: ModelNoteFilterInput) {
  syncNotes(limit: $limit nextToken: $nextToken lastSync: $lastSync filter: $filter) {
    items { ...fields }
    nextToken
    startedAt
  }
}
mutation C($input: CreateNoteInput!) { createNote(input: $input) { ...fields } }
mutation U($input: UpdateNoteInput!, $condition: ModelNoteConditionInput) {
  updateNote(input: $input, condition: $condition) { ...fields }
}
mutation D($input: DeleteNoteInput!, $condition: ModelNoteConditionInput) {
  deleteNote(input: $input, condition: $condition) { ...fields }
}
query G($id: ID!) { getNote(id: $id) { ...fields } }
subscription O($filter: ModelSubscriptionNoteFilterInput, $owner: String!) {
  onUpdateNote(filter: $filter, owner: $owner) { ...fields }
}
fragment fields on Note {
  id workOrderID writtenAt text createdAt updatedAt photo { key contentType takenAt }
  owner _version _lastChangedAt _deleted workOrder { id _deleted }
}
"""


def test_the_api_is_what_the_schema_makes() -> None:
    domain = read_domain(SOURCE.read_text())
    assert API.read_text() == api_schema(domain), REMEDY
    assert json.loads(PLANS.read_text()) == plans(domain), REMEDY


@needs_node_modules
def test_client_models_are_what_awss_generator_makes(tmp_path: Path) -> None:
    script = str(REPOSITORY / "modelgen" / "clients.mjs")
    outcome = node([script, "javascript", str(tmp_path)], cwd=REPOSITORY)
    assert outcome.returncode == 0, outcome.stderr
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    committed = {path.name: path.read_text() for path in CLIENTS.iterdir()}
    assert made == committed, REMEDY


@needs_node_modules
@pytest.mark.parametrize(
    ("target", "suffix"), [("swift", "swift"), ("java", "java"), ("dart", "dart")]
)
def test_phones_get_their_models_by_one_command(tmp_path: Path, target: str, suffix: str) -> None:
    script = str(REPOSITORY / "modelgen" / "clients.mjs")
    outcome = node([script, target, str(tmp_path)], cwd=REPOSITORY)
    assert outcome.returncode == 0, outcome.stderr
    names = {path.stem for path in tmp_path.rglob(f"*.{target}")}
    assert {"Site", "WorkOrder", "Note"} <= names
    documented = f"node modelgen/clients.mjs {target}"
    assert documented in (REPOSITORY / "docs" / "offline.md").read_text()


def client_schema() -> dict[str, dict[str, object]]:
    text = (CLIENTS / "schema.js").read_text()
    found: dict[str, dict[str, object]] = json.loads(text[text.index("{") :].rstrip().rstrip(";"))[
        "models"
    ]
    return found


def test_client_and_api_agree_on_names() -> None:
    """The client makes `syncNotes` of a plural that another generator chose."""
    document = parse(API.read_text())
    fields = {field.name.value for field in _type(document, "Query").fields}
    for model in client_schema().values():
        assert f"sync{model['pluralName']}" in fields


def test_every_field_of_a_client_model_is_in_the_api() -> None:
    document = parse(API.read_text())
    for name, model in client_schema().items():
        known = {field.name.value for field in _type(document, name).fields}
        assert set(model["fields"]) <= known  # type: ignore[call-overload]
        assert {"_version", "_deleted", "_lastChangedAt"} <= known


def test_what_the_client_sends_is_valid() -> None:
    schema = build_schema(BUILT_IN + API.read_text())
    assert validate(schema, parse(CLIENT_DOCUMENTS)) == []


def test_no_filter_names_a_key_of_the_index_that_is_read() -> None:
    """DynamoDB refuses it, and with it the whole page."""
    document = parse(API.read_text())
    read = [resolver for model in read_models() for resolver in model.resolvers]
    for resolver in read:
        if resolver.functions == ("query",):
            plan = json.loads(resolver.code.split("const PLAN = ", 1)[1].split(";\n", 1)[0])
            (field,) = (
                each
                for each in _type(document, resolver.type_name).fields
                if each.name.value == resolver.field
            )
            (kind,) = (_named(each) for each in field.arguments if each.name.value == "filter")
            inputs = _input(document, kind)
            offered = {each.name.value for each in inputs.fields}
            assert offered.isdisjoint({plan["index"]["partition"], plan["index"]["sort"]})
            assert {"id", "_deleted", "and", "or", "not"} <= offered
            nested = {_named(each) for each in inputs.fields if each.name.value in ("and", "or")}
            assert nested == {kind}


def test_every_field_that_needs_a_resolver_has_one() -> None:
    """Roots and relations: a field without one answers null and says nothing."""
    document = parse(API.read_text())
    models = {model.name for model in read_models()}
    related = {*models, *(f"Model{name}Connection" for name in models)}
    needed = {
        (name, field.name.value)
        for name in ("Query", "Mutation", "Subscription", *models)
        for field in _type(document, name).fields
        if name not in models or _named(field) in related
    }
    resolved = {
        (resolver.type_name, resolver.field)
        for model in read_models()
        for resolver in model.resolvers
    }
    assert needed == resolved


def test_without_an_api_key_the_schema_does_not_speak_of_it() -> None:
    assert "@aws_api_key" in deployed_schema(api_key=True)
    without = deployed_schema(api_key=False)
    assert "@aws_api_key" not in without
    assert build_schema(BUILT_IN + without)


def test_every_type_says_who_may_ask() -> None:
    """A type without directives is for the default way to sign in alone."""
    for node_ in parse(API.read_text()).definitions:
        if isinstance(node_, ObjectTypeDefinitionNode):
            names = {each.name.value for each in node_.directives}
            assert names == {"aws_api_key", "aws_cognito_user_pools", "aws_iam"}, node_.name.value


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("type A @model { id: ID! }", "A: without @auth"),
        ("type A @model @auth(rules: [{allow: owner}]) { name: String }", "A: the first field"),
        ("type A @model @auth(rules: [{allow: public}]) { id: ID! }", "allow public"),
        (
            "type A @model @auth(rules: [{allow: owner}]) { id: ID! other: A }",
            "A.other: say @belongsTo",
        ),
    ],
)
def test_a_schema_that_is_not_served_is_refused(schema: str, said: str) -> None:
    with pytest.raises(SchemaError, match=re.escape(said)):
        read_domain(schema)


def _type(document: DocumentNode, name: str) -> ObjectTypeDefinitionNode:
    (found,) = (
        node_
        for node_ in document.definitions
        if isinstance(node_, ObjectTypeDefinitionNode) and node_.name.value == name
    )
    return found


def _input(document: DocumentNode, name: str) -> InputObjectTypeDefinitionNode:
    (found,) = (
        node_
        for node_ in document.definitions
        if isinstance(node_, InputObjectTypeDefinitionNode) and node_.name.value == name
    )
    return found


def _named(field: FieldDefinitionNode | InputValueDefinitionNode) -> str:
    kind = field.type
    while not hasattr(kind, "name"):
        kind = kind.type
    return str(kind.name.value)
