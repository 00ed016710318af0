"""DynamoDB and Lambda data sources, request by request, on an API made by AppSync's own calls.

https://docs.aws.amazon.com/appsync/latest/devguide/js-resolver-reference-dynamodb.html
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from local.session import LocalAws
from tests.appsync.clients import Answer, Api

pytestmark = pytest.mark.xdist_group("appsync")
SCHEMA = """
type Query { plain(request: AWSJSON!): AWSJSON versioned(request: AWSJSON!): AWSJSON
             invoke(request: AWSJSON!): AWSJSON direct(request: AWSJSON!): AWSJSON }
"""
PASSED_ON = """
import { util } from '@aws-appsync/utils';
export const request = (ctx) => ctx.args.request;
export function response(ctx) {
  if (ctx.error) { util.error(ctx.error.message, ctx.error.type, { item: ctx.result }); }
  return ctx.result;
}
"""
RUNTIME = {"name": "APPSYNC_JS", "runtimeVersion": "1.0.0"}
ECHO = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no luck")
    return {"got": event}
"""
Send = Callable[..., Answer]


@pytest.fixture(scope="module")
def send(aws: LocalAws) -> Send:
    """Send a request object to a data source."""
    dynamodb, appsync = aws.client("dynamodb"), aws.client("appsync")
    key = [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}]
    delta_key = [
        {"AttributeName": "ds_pk", "KeyType": "HASH"},
        {"AttributeName": "ds_sk", "KeyType": "RANGE"},
    ]
    index = [
        {"AttributeName": "gsi_ds_pk", "KeyType": "HASH"},
        {"AttributeName": "gsi_ds_sk", "KeyType": "RANGE"},
    ]
    for table, keys in (("plain", key), ("base", key), ("log", delta_key)):
        indexes = index if table == "log" else []
        more: dict[str, Any] = {}
        if indexes:
            projected = {"ProjectionType": "ALL"}
            more["GlobalSecondaryIndexes"] = [
                {"IndexName": "byTable", "KeySchema": indexes, "Projection": projected}
            ]
        dynamodb.create_table(
            TableName=table,
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": each["AttributeName"], "AttributeType": "S"}
                for each in (*keys, *indexes)
            ],
            BillingMode="PAY_PER_REQUEST",
            **more,
        )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", ECHO)
    function = aws.client("lambda").create_function(
        FunctionName="echo",
        Runtime="python3.13",
        Role="arn:aws:iam::000000000000:role/any",
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
    )
    api = appsync.create_graphql_api(name="tables", authenticationType="API_KEY")["graphqlApi"]
    api_id = api["apiId"]
    appsync.start_schema_creation(apiId=api_id, definition=SCHEMA.encode())
    source = {"apiId": api_id, "serviceRoleArn": "arn:aws:iam::000000000000:role/any"}
    appsync.create_data_source(
        **source,
        name="plain",
        type="AMAZON_DYNAMODB",
        dynamodbConfig={"tableName": "plain", "awsRegion": "eu-west-1"},
    )
    appsync.create_data_source(
        **source,
        name="versioned",
        type="AMAZON_DYNAMODB",
        dynamodbConfig={
            "tableName": "base",
            "awsRegion": "eu-west-1",
            "versioned": True,
            "deltaSyncConfig": {
                "baseTableTTL": 0,
                "deltaSyncTableName": "log",
                "deltaSyncTableTTL": 30,
            },
        },
    )
    appsync.create_data_source(
        **source,
        name="invoke",
        type="AWS_LAMBDA",
        lambdaConfig={"lambdaFunctionArn": function["FunctionArn"]},
    )
    for name in ("plain", "versioned", "invoke"):
        appsync.create_resolver(
            apiId=api_id,
            typeName="Query",
            fieldName=name,
            dataSourceName=name,
            runtime=RUNTIME,
            code=PASSED_ON,
        )
    appsync.create_resolver(
        apiId=api_id, typeName="Query", fieldName="direct", dataSourceName="invoke"
    )
    key_id = appsync.create_api_key(apiId=api_id)["apiKey"]["id"]
    client = Api(api["uris"]["GRAPHQL"], {"x-api-key": key_id})

    def ask(field: str, **request: Any) -> Answer:
        return client.ask(
            f"query Q($r: AWSJSON!) {{ {field}(request: $r) }}", r=json.dumps(request)
        )

    return ask


@pytest.fixture
def plain(send: Send) -> Callable[..., Any]:
    """The result of a request to the table without versions."""

    def ask(operation: str, **request: Any) -> Any:
        said = send("plain", operation=operation, **request).data["plain"]
        return None if said is None else json.loads(said)

    return ask


def typed(**values: Any) -> dict[str, Any]:
    return {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value}
        for name, value in values.items()
    }


def test_put_get_update_delete(plain: Any) -> None:
    key = typed(p="1", s="a")
    assert plain("PutItem", key=key, attributeValues=typed(n=1)) == {"p": "1", "s": "a", "n": 1}
    assert plain("GetItem", key=key) == {"p": "1", "s": "a", "n": 1}
    projection = {"expression": "#n", "expressionNames": {"#n": "n"}}
    assert plain("GetItem", key=key, projection=projection) == {"n": 1}
    update = {
        "expression": "SET #t = :t ADD #n :by",
        "expressionNames": {"#t": "t", "#n": "n"},
        "expressionValues": typed(**{":t": "x", ":by": 4}),
    }
    assert plain("UpdateItem", key=key, update=update) == {"p": "1", "s": "a", "n": 5, "t": "x"}
    assert plain("DeleteItem", key=key) == {"p": "1", "s": "a", "n": 5, "t": "x"}
    assert plain("GetItem", key=key) is None
    assert plain("DeleteItem", key=key) is None


class TestConditions:
    """A condition that fails, and one that failed because it had been done before."""

    NEW = {"expression": "attribute_not_exists(p)"}  # noqa: RUF012

    def test_a_failed_condition_brings_the_item(self, send: Send, plain: Any) -> None:
        key = typed(p="c", s="a")
        plain("PutItem", key=key, attributeValues=typed(n=1))
        answer = send(
            "plain", operation="PutItem", key=key, attributeValues=typed(n=2), condition=self.NEW
        )
        assert answer.error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
        assert answer.error["data"] == {"item": {"p": "c", "s": "a", "n": 1}}

    def test_the_same_write_again_is_no_failure(self, plain: Any) -> None:
        request = {"key": typed(p="c", s="b"), "attributeValues": typed(n=1)}
        first = plain("PutItem", **request, condition=self.NEW)
        assert plain("PutItem", **request, condition=self.NEW) == first

    def test_a_difference_may_be_ignored(self, plain: Any) -> None:
        key = typed(p="c", s="c")
        plain("PutItem", key=key, attributeValues=typed(n=1, at=1), condition=self.NEW)
        condition = {**self.NEW, "equalsIgnore": ["at"]}
        again = plain("PutItem", key=key, attributeValues=typed(n=1, at=2), condition=condition)
        assert again["n"] == 1

    def test_deleting_what_is_gone_is_no_failure(self, plain: Any) -> None:
        condition = {"expression": "attribute_exists(p)"}
        assert plain("DeleteItem", key=typed(p="c", s="none"), condition=condition) is None


def test_query_and_scan_go_by_pages_and_filters(plain: Any) -> None:
    for number in range(5):
        key = typed(p="q", s=f"{number}")
        plain("PutItem", key=key, attributeValues=typed(n=number))
    query = {
        "expression": "#p = :p AND s > :s",
        "expressionNames": {"#p": "p"},
        "expressionValues": typed(**{":p": "q", ":s": "0"}),
    }
    page = plain("Query", query=query, limit=2, scanIndexForward=False)
    assert [each["s"] for each in page["items"]] == ["4", "3"]
    rest = plain("Query", query=query, limit=2, scanIndexForward=False, nextToken=page["nextToken"])
    assert [each["s"] for each in rest["items"]] == ["2", "1"]
    only = {"expression": "p = :p AND n >= :n", "expressionValues": typed(**{":p": "q", ":n": 3})}
    found = plain("Scan", filter=only)
    assert sorted(each["n"] for each in found["items"]) == [3, 4]
    assert found["scannedCount"] >= 5


def test_a_query_is_not_filtered_by_its_keys(send: Send) -> None:
    query = {"expression": "p = :p", "expressionValues": typed(**{":p": "q"})}
    only = {"expression": "#s = :s", "expressionNames": {"#s": "s"}}
    answer = send(
        "plain",
        operation="Query",
        query=query,
        filter={**only, "expressionValues": typed(**{":s": "0"})},
    )
    assert answer.error["errorType"] == "DynamoDB:ValidationException"
    assert "can only contain non-primary key attributes" in answer.error["message"]


@pytest.mark.parametrize("field", ["plain", "versioned"])
def test_an_update_names_no_path_twice(send: Send, field: str) -> None:
    key = typed(p="twice", s=field)
    send(field, operation="PutItem", key=key, attributeValues=typed(n=1))
    update = {
        "expression": "SET #n = :a, n = :b",
        "expressionNames": {"#n": "n"},
        "expressionValues": typed(**{":a": 1, ":b": 2}),
    }
    answer = send(field, operation="UpdateItem", key=key, update=update, _version=1)
    assert answer.error["errorType"] == "DynamoDB:ValidationException"
    assert "overlap" in answer.error["message"]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
def test_pages_of_a_scan_are_the_whole_table(plain: Any, limit: int) -> None:
    wanted = []
    for number in range(12):
        key = typed(p=f"scan {number // 3}", s=f"{number}")
        plain("PutItem", key=key, attributeValues=typed(n=number))
        wanted.append(number)
    for number in (3, 4, 5, 11):  # a whole partition, and the last item
        plain("DeleteItem", key=typed(p=f"scan {number // 3}", s=f"{number}"))
        wanted.remove(number)
    found, token = [], None
    for _ in range(200):
        page = plain("Scan", limit=limit, nextToken=token)
        assert len(page["items"]) <= limit
        found += [each["n"] for each in page["items"] if each["p"].startswith("scan ")]
        token = page["nextToken"]
        if token is None:
            break
    assert sorted(found) == wanted


def test_batches_and_transactions(plain: Any, send: Send) -> None:
    items = [typed(p="b", s=f"{number}", n=number) for number in range(3)]
    assert plain("BatchPutItem", tables={"plain": items})["data"]["plain"][2]["n"] == 2
    keys = [typed(p="b", s=each) for each in ("2", "none", "0")]
    got = plain("BatchGetItem", tables={"plain": {"keys": keys}})
    assert [each and each["n"] for each in got["data"]["plain"]] == [2, None, 0]
    assert got["unprocessedKeys"] == {}

    moved = [
        {"table": "plain", "operation": "DeleteItem", "key": keys[0]},
        {
            "table": "plain",
            "operation": "PutItem",
            "key": keys[1],
            "attributeValues": typed(n=9),
            "condition": {"expression": "attribute_not_exists(p)"},
        },
    ]
    assert plain("TransactWriteItems", transactItems=moved)["keys"][1] == {"p": "b", "s": "none"}
    again = send("plain", operation="TransactWriteItems", transactItems=moved)
    assert again.error["errorType"] == "DynamoDB:TransactionCanceledException"
    read = [{"table": "plain", "key": key} for key in keys]
    items_read = plain("TransactGetItems", transactItems=read)["items"]
    assert [each and each["n"] for each in items_read] == [None, 9, 0]
    plain("BatchDeleteItem", tables={"plain": keys})
    assert plain("GetItem", key=keys[1]) is None


def test_what_dynamodb_refuses_is_said(send: Send) -> None:
    answer = send("plain", operation="GetItem", key=typed(x="1"))
    assert answer.error["errorType"] == "DynamoDB:ValidationException"
    assert "Service: DynamoDb, Status Code: 400" in answer.error["message"]


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        ({"operation": "Dance"}, "BadRequest"),
        ({"operation": "GetItem"}, "BadRequest"),
        ({"operation": "Sync"}, "UnsupportedOperation"),
        ({"operation": "Query", "nextToken": "x", "query": {"expression": "p = :p"}}, "BadRequest"),
    ],
)
def test_requests_that_make_no_sense(send: Send, request_: Any, kind: str) -> None:
    assert send("plain", **request_).error["errorType"] == kind


class TestVersioned:
    """What only a versioned source refuses or keeps."""

    @pytest.mark.parametrize("operation", ["BatchPutItem", "TransactWriteItems", "BatchDeleteItem"])
    def test_batches_are_not_for_versioned_sources(self, send: Send, operation: str) -> None:
        error = send("versioned", operation=operation, tables={}).error
        assert error["errorType"] == "UnsupportedOperation"
        assert error["message"].startswith(f"Unsupported operation '{operation}'. Datasource Ver")

    @pytest.mark.parametrize("name", ["_version", "_ttl", "_deleted", "_lastChangedAt"])
    def test_metadata_is_appsyncs(self, send: Send, name: str) -> None:
        key, values = typed(p="m", s="a"), typed(**{name: 7})
        put = send("versioned", operation="PutItem", key=key, attributeValues=values)
        assert put.error["errorType"] == "BadRequest"
        update = {
            "expression": "SET #x = :x",
            "expressionNames": {"#x": name},
            "expressionValues": typed(**{":x": 7}),
        }
        changed = send("versioned", operation="UpdateItem", key=key, update=update)
        assert changed.error["errorType"] == "BadRequest"

    def test_without_a_base_time_to_live_a_deleted_item_goes_at_once(
        self, send: Send, aws: LocalAws
    ) -> None:
        key = typed(p="d", s="a")
        made = send("versioned", operation="PutItem", key=key, attributeValues=typed(n=1))
        assert json.loads(made.data["versioned"])["_version"] == 1
        deleted = send("versioned", operation="DeleteItem", key=key).data["versioned"]
        assert json.loads(deleted)["_deleted"] is True
        dynamodb = aws.client("dynamodb")
        assert "Item" not in dynamodb.get_item(TableName="base", Key=key)
        rows = dynamodb.scan(TableName="log")["Items"]
        assert {"BOOL": True} in [row.get("_deleted") for row in rows if row["p"] == key["p"]]

    def test_a_custom_partition_key_shapes_the_delta(self, send: Send, aws: LocalAws) -> None:
        key = typed(p="1a", s="2b")
        made = send(
            "versioned",
            operation="PutItem",
            key=key,
            attributeValues=typed(n=1),
            customPartitionKey="p",
            populateIndexFields=True,
        )
        assert json.loads(made.data["versioned"])["_version"] == 1
        (row,) = [
            row
            for row in aws.client("dynamodb").scan(TableName="log")["Items"]
            if row["p"] == key["p"]
        ]
        day = row["gsi_ds_pk"]["S"].removeprefix("base:")
        assert row["ds_pk"]["S"] == f"base:{day}:1a"
        assert row["ds_sk"]["S"].endswith(":2b:1")
        assert row["gsi_ds_sk"]["S"].endswith(":1a#2b:1")

        since = int(row["_lastChangedAt"]["N"])
        other = send(
            "versioned",
            operation="PutItem",
            key=typed(p="other", s="x"),
            customPartitionKey="p",
            populateIndexFields=True,
        )
        assert json.loads(other.data["versioned"])["_version"] == 1

        def synced(**request: Any) -> list[str]:
            page = send("versioned", operation="Sync", **request).data["versioned"]
            return [each["p"] for each in json.loads(page)["items"]]

        assert synced(lastSync=since, basePartitionKey="1a") == ["1a"]
        assert set(synced(lastSync=since, deltaIndexName="byTable")) == {"1a", "other"}
        assert synced(basePartitionKey="1a") == ["1a"]

    def test_the_delta_table_has_to_be_there(self, send: Send, aws: LocalAws) -> None:
        appsync = aws.client("appsync")
        (api_id,) = [
            each["apiId"]
            for each in appsync.list_graphql_apis()["graphqlApis"]
            if each["name"] == "tables"
        ]
        source = appsync.get_data_source(apiId=api_id, name="versioned")["dataSource"]
        broken = json.loads(json.dumps(source["dynamodbConfig"]))
        broken["deltaSyncConfig"]["deltaSyncTableName"] = "missing"

        def configure(config: Any) -> None:
            appsync.update_data_source(
                apiId=api_id, name="versioned", type="AMAZON_DYNAMODB", dynamodbConfig=config
            )

        configure(broken)
        try:
            answer = send("versioned", operation="PutItem", key=typed(p="x", s="x"))
            assert answer.error["errorType"] == "DeltaSyncWriteError"
        finally:
            configure(source["dynamodbConfig"])


class TestFunction:
    """AWS_LAMBDA data sources."""

    def test_the_payload_is_the_event(self, send: Send) -> None:
        answer = send("invoke", operation="Invoke", payload={"a": 1})
        assert json.loads(answer.data["invoke"]) == {"got": {"a": 1}}

    def test_a_function_that_fails(self, send: Send) -> None:
        error = send("invoke", operation="Invoke", payload={"fail": True}).error
        assert (error["errorType"], error["message"]) == ("Lambda:Unhandled", "no luck")

    def test_without_code_the_function_gets_the_context(self, send: Send) -> None:
        got = json.loads(send("direct", a=1).data["direct"])["got"]
        assert "arguments" in got, got
        assert got["arguments"] == {"request": {"a": 1}}
        assert got["info"]["fieldName"] == "direct"
        assert got["identity"] is None
