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
