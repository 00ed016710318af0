"""Tables keep what their template says."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def table(**properties: Any) -> Resources:
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                **properties,
            },
        }
    }


def test_a_table_keeps_time_to_live_recovery_and_key(aws: LocalAws, stack: Stack) -> None:
    key = "arn:aws:kms:eu-west-1:000000000000:key/k"
    stack.deploy(
        table(
            TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            SSESpecification={"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        )
    )
    dynamodb, name = aws.client("dynamodb"), stack.id_of("Table")
    lives = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lives == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["SSEDescription"]["KMSMasterKeyArn"] == key
    stack.deploy(table())
    lives = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lives["TimeToLiveStatus"] == "DISABLED"


@pytest.fixture
def items(aws: LocalAws, stack: Stack) -> Any:
    """A client and a table with an index `byHolder` on holder and moment."""
    key = [
        {"AttributeName": "holder", "KeyType": "HASH"},
        {"AttributeName": "moment", "KeyType": "RANGE"},
    ]
    index = {"IndexName": "byHolder", "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
    names = ("id", "holder", "moment")
    stack.deploy(
        table(
            AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in names],
            GlobalSecondaryIndexes=[index],
        )
    )
    client, name = aws.client("dynamodb"), stack.id_of("Table")
    item = {
        "id": {"S": "1"},
        "holder": {"S": "tom"},
        "moment": {"S": "9"},
        "m": {"M": {"n": {"N": "1"}}},
    }
    client.put_item(TableName=name, Item=item)
    return client, name


@pytest.mark.parametrize(
    ("filter_", "refused"),
    [
        ("#holder = :v", "holder"),
        ("said = :v OR NOT (begins_with(moment, :v))", "moment"),
        ("moment IN (:v)", "moment"),
        ("id = :v", None),
        ("m.holder = :v OR attribute_exists(m.#holder)", None),
        ("contains(m, :v) OR size(id) > size(m)", None),
    ],
)
def test_a_query_is_not_filtered_by_the_keys_that_it_reads_by(
    items: Any, filter_: str, refused: str | None
) -> None:
    client, name = items
    request: dict[str, Any] = {
        "TableName": name,
        "IndexName": "byHolder",
        "KeyConditionExpression": "#holder = :o",
        "FilterExpression": filter_,
        "ExpressionAttributeNames": {"#holder": "holder"},
        "ExpressionAttributeValues": {":o": {"S": "tom"}, ":v": {"S": "x"}},
    }
    if ":v" not in filter_:
        del request["ExpressionAttributeValues"][":v"]
    if refused is None:
        assert "Items" in client.query(**request)
        return
    with pytest.raises(client.exceptions.ClientError, match=f"Primary key attribute: {refused}$"):
        client.query(**request)
    del request["KeyConditionExpression"], request["ExpressionAttributeValues"][":o"]
    if "#holder" not in filter_:
        del request["ExpressionAttributeNames"]
    assert "Items" in client.scan(**request)


@pytest.mark.parametrize(
    ("update", "pair"),
    [
        ("SET a = :a, a = :b", r"path one: \[a\], path two: \[a\]"),
        ("SET #m.n = :a, m = :b", r"path one: \[m, n\], path two: \[m\]"),
        ("SET a = :a REMOVE b, a ADD c :b", r"path one: \[a\], path two: \[a\]"),
        ("SET a = :a, b = #m.n REMOVE c ADD d :b", None),
        ("SET #m.a = :a, #m.b = :b", None),
        ("SET a = if_not_exists(a, :a), b = #m.n + :b", None),
    ],
)
def test_paths_of_an_update_do_not_overlap(items: Any, update: str, pair: str | None) -> None:
    client, name = items
    key = {"id": {"S": "1"}}
    request: dict[str, Any] = {
        "TableName": name,
        "Key": key,
        "UpdateExpression": update,
        "ExpressionAttributeValues": {":a": {"N": "1"}, ":b": {"N": "2"}},
    }
    if "#m" in update:
        request["ExpressionAttributeNames"] = {"#m": "m"}
    if pair is None:
        client.update_item(**request)
        return
    with pytest.raises(client.exceptions.ClientError, match=f"Invalid UpdateExpression.*{pair}"):
        client.update_item(**request)
    change = {each: request[each] for each in request if each != "TableName"}
    with pytest.raises(client.exceptions.ClientError):
        client.transact_write_items(TransactItems=[{"Update": {"TableName": name, **change}}])
