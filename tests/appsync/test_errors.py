"""The shapes of everything that goes wrong.

https://docs.aws.amazon.com/appsync/latest/devguide/troubleshooting-and-common-mistakes.html
"""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from local.appsync.api_schema import api_schema
from local.appsync.callers import Caller
from local.appsync.deployed_api import DeployedApi
from local.appsync.documents import document
from local.appsync.execution import Execution
from local.appsync.field_resolvers import FieldResolvers
from local.session import LocalAws
from tests.appsync import notes
from tests.appsync.clients import Answer, Api

pytestmark = pytest.mark.xdist_group("appsync")


def fails(api: Api, how: str, selection: str = "id name") -> Answer:
    return api.ask(f'{{ fails(how: "{how}") {{ {selection} }} }}')


class TestResolvers:
    """util.error and its kin."""

    def test_error_carries_data_as_selected_and_info(self, api: Api) -> None:
        answer = fails(api, "error")
        assert answer.status == 200
        assert answer.body == {
            "data": {"fails": None},
            "errors": [
                {
                    "path": ["fails"],
                    "data": {"id": "1", "name": "n"},
                    "errorType": "Luck",
                    "errorInfo": {"hint": "h"},
                    "locations": [{"line": 1, "column": 3, "sourceName": None}],
                    "message": "Bad luck",
                }
            ],
        }

    def test_appended_errors_ride_beside_the_data(self, api: Api) -> None:
        answer = fails(api, "append")
        assert answer.body["data"] == {"fails": {"id": "3", "name": None}}
        assert (answer.error["message"], answer.error["errorType"]) == ("Careful", "Warning")
        assert answer.error["data"] == {"id": "2", "name": None}

    def test_unauthorized(self, api: Api) -> None:
        error = fails(api, "unauthorized").error
        assert error["errorType"] == "Unauthorized"
        assert error["message"] == "Not Authorized to access fails on type Query"

    def test_a_crash_is_a_runtime_error_and_is_logged(self, api: Api, aws: LocalAws) -> None:
        error = fails(api, "crash").error
        assert (error["errorType"], error["message"]) == ("Code", "Runtime Error")
        lines = aws.control("appsync/logs")["lines"]
        assert any("Query.fails request ERROR: TypeError" in line for line in lines)

    def test_a_value_of_another_type_is_named(
        self, api: Api, new_id: Any, aws: LocalAws, outputs: Any
    ) -> None:
        identity = new_id()
        dynamodb = aws.client("dynamodb")
        dynamodb.put_item(
            TableName=outputs["MergedTable"],
            Item={"id": {"S": identity}, "at": {"S": "yesterday"}, "_version": {"N": "1"}},
        )
        error = api.ask(f'{{ getMerged(id: "{identity}") {{ at }} }}').error
        assert error["message"] == (
            "Can't serialize value (/getMerged/at) : "
            "Unable to serialize `yesterday` as a valid DateTime Object."
        )
        dynamodb.delete_item(TableName=outputs["MergedTable"], Key={"id": {"S": identity}})


def test_our_own_failure_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    """An exception that nobody foresaw: in the engine's log, and none of its text to callers."""

    class Failing(FieldResolvers):
        def __init__(self) -> None:
            pass

        def resolve(self, resolver: Any, resolved: Any) -> Any:
            raise RuntimeError("secret")

    api = DeployedApi(
        api_id="a",
        record={"authenticationType": "API_KEY"},
        schema=api_schema("type Query { one: String two: String }"),
        data_sources={},
        functions={},
        resolvers={"Query": {"one": {"kind": "UNIT"}}},
        keys={},
    )
    execution = Execution(
        api=api,
        caller=Caller(mode="API_KEY"),
        document=document(api, {"query": "{ one two }"}),
        resolvers=Failing(),
        headers={},
    )
    assert execution.run() == {
        "data": {"one": None, "two": None},
        "errors": [
            {
                "path": ["one"],
                "data": None,
                "errorType": "InternalFailure",
                "errorInfo": None,
                "locations": [{"line": 1, "column": 3, "sourceName": None}],
                "message": "Internal failure",
            }
        ],
    }
    assert "secret" in caplog.text


class TestDocuments:
    """Before any resolver runs."""

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            (
                "{ nope }",
                "Validation error of type FieldUndefined: Field 'nope' in type 'Query' is "
                "undefined @ 'nope'",
            ),
            ("{ echo }", "Validation error of type MissingFieldArgument"),
            ('{ echo(what: "a", more: 1) }', "Validation error of type UnknownArgument"),
            ("{ syncMergeds }", "Validation error of type SubSelectionRequired"),
            ("{ keyOnly { x } }", "Validation error of type SubSelectionNotAllowed"),
            ("{ echo(what: $x) }", "Validation error of type UndefinedVariable"),
            ("query Q($x: Nope) { keyOnly }", "Validation error of type UnknownType"),
            ("{ echo(what: 1) }", "Validation error of type WrongType"),
        ],
    )
    def test_validation(self, api: Api, query: str, message: str) -> None:
        answer = api.ask(query)
        assert answer.status == 200
        assert answer.body["data"] is None
        found = [each["message"] for each in answer.body["errors"]]
        assert any(each.startswith(message) for each in found), found
        assert answer.body["errors"][0]["path"] is None

    def test_variables(self, api: Api, new_id: Any) -> None:
        wrong = api.create("Merged", id=new_id(), color="red")
        assert wrong.body["data"] is None
        assert wrong.error["message"] == (
            "The variables input contains a field name 'color' that is not defined for input "
            "object type 'MergedInput' "
        )
        missing = api.ask("mutation M($i: MergedInput!) { createMerged(input: $i) { id } }", i={})
        assert (
            missing.error["message"]
            == "Variable 'id' has coerced Null value for NonNull type 'ID!'"
        )

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"{", "Invalid JSON payload in POST request."),
            (b"[]", "Invalid JSON payload in POST request."),
            (b"{}", "Unable to parse GraphQL query."),
            (b'{"query": "{ keyOnly"}', "Unable to parse GraphQL query."),
            (
                b'{"query": "query A { keyOnly } query B { keyOnly }"}',
                "Must provide operation name",
            ),
            (b'{"query": "{ keyOnly }", "operationName": "X"}', "Unknown operation named 'X'."),
        ],
    )
    def test_malformed_requests(self, api: Api, body: bytes, message: str) -> None:
        answer = api.send(body)
        assert answer.status == 400
        assert answer.error["errorType"] == "MalformedHttpRequestException"
        assert answer.error["message"].startswith(message)

    def test_the_operation_that_is_named_runs(self, api: Api) -> None:
        text = 'query A { echo(what: "a") } query B { echo(what: "b") }'
        body = json.dumps({"query": text, "operationName": "B"}).encode()
        assert api.send(body).data == {"echo": "b"}

    def test_a_subscription_is_not_for_http(self, api: Api) -> None:
        assert api.ask("subscription { onCreateMerged { id } }").status == 400

    def test_an_unknown_api(self, api: Api) -> None:
        other = Api(api.url.replace("/v1/apis/", "/v1/apis/x"), api.headers)
        assert other.ask("{ keyOnly }").status == 404

    def test_a_browser_may_ask_from_anywhere(self, api: Api) -> None:
        for answer in (api.send(b"", method="OPTIONS"), api.ask("{ keyOnly }")):
            assert answer.status == 200
            assert answer.headers["access-control-allow-origin"] == "*"


class TestLimits:
    """Depth, resolvers, introspection: settings of the API."""

    def test_depth_resolvers_and_introspection(self, api: Api, aws: LocalAws, pool: Any) -> None:
        assert api.ask("{ __schema { queryType { name } } }").data
        template = notes.template(pool["id"])
        changed = json.loads(json.dumps(template))
        changed["Resources"]["Api"]["Properties"] |= {
            "QueryDepthLimit": 2,
            "ResolverCountLimit": 2,
            "IntrospectionConfig": "DISABLED",
        }
        try:
            update(aws, changed)
            assert api.ask("{ syncMergeds { nextToken } }").status == 200
            deep = api.ask("{ syncMergeds { items { id } } }")
            assert deep.body["data"] is None
            assert "exceeds the limit of 2" in deep.error["message"]
            hidden = api.ask("{ __schema { queryType { name } } }")
            assert hidden.body["data"] is None
            assert api.ask("{ a: __typename }").data == {"a": "Query"}
            many = api.ask('{ a: echo(what: "a") b: echo(what: "b") c: echo(what: "c") }')
            assert many.body["data"] == {"a": "a", "b": "b", "c": None}
            assert "limit of 2 resolvers" in many.error["message"]
        finally:
            update(aws, template)


def update(aws: LocalAws, template: Any) -> None:
    """Update the stack and wait."""
    cloudformation = aws.client("cloudformation")
    cloudformation.update_stack(
        StackName="notes", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName="notes", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def test_many_writers_of_one_item_lose_nothing(api: Api, new_id: Any) -> None:
    identity = new_id()
    api.create("Merged", id=identity, points=[])
    answers: list[Answer] = []

    def write(number: int) -> None:
        answers.append(api.update("Merged", id=identity, points=[number], _version=1))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    applied = [each for each in answers if "errors" not in each.body]
    failed = [each.error["errorType"] for each in answers if "errors" in each.body]
    after = api.get("Merged", identity)
    assert after["_version"] == 1 + len(applied)
    assert len(after["points"]) == len(applied)
    assert set(failed) <= {"MaxConflicts"}
