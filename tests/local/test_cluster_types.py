"""Clusters of Aurora and the Data API."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Stack, get

pytestmark = pytest.mark.xdist_group("local-aws")


def test_a_member_of_a_cluster_leaves_no_snapshot(stack: Stack) -> None:
    member = {
        "Type": "AWS::RDS::DBInstance",
        "DeletionPolicy": "Snapshot",
        "Properties": {
            "Engine": "aurora-postgresql",
            "DBClusterIdentifier": "vectors",
            "DBInstanceClass": "db.serverless",
        },
    }
    with pytest.raises(AssertionError, match="use deletion policy on the cluster instead"):
        stack.deploy({"Writer": member})


@pytest.mark.parametrize("prepared", [False, True])
def test_the_log_group_of_a_cluster_stays_unless_it_was_made_first(
    stack: Stack, aws: LocalAws, prepared: bool
) -> None:
    group = {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": "/aws/rds/cluster/vectors/postgresql",
            "RetentionInDays": 14,
        },
    }
    cluster = {
        "Type": "AWS::RDS::DBCluster",
        "DeletionPolicy": "Delete",
        "Properties": {
            "DBClusterIdentifier": "vectors",
            "Engine": "aurora-postgresql",
            "MasterUsername": "postgres",
            "ManageMasterUserPassword": True,
            "EnableCloudwatchLogsExports": ["postgresql"],
        },
    }
    first = {"Log": group} if prepared else {}
    stack.deploy({"Cluster": {**cluster, **({"DependsOn": "Log"} if prepared else {})}, **first})
    logs = aws.client("logs")

    def retentions() -> list[int | None]:
        found = logs.describe_log_groups(logGroupNamePrefix="/aws/rds/cluster/vectors")["logGroups"]
        return [each.get("retentionInDays") for each in found]

    assert retentions() == [14 if prepared else None]
    assert stack.delete() == "DELETE_COMPLETE"
    assert retentions() == ([] if prepared else [None])
    if not prepared:
        logs.delete_log_group(logGroupName="/aws/rds/cluster/vectors/postgresql")


def test_a_cluster_runs_sql_of_the_data_api_with_vectors_and_transactions(
    stack: Stack, aws: LocalAws
) -> None:
    made = stack.deploy(
        {
            "Cluster": {
                "Type": "AWS::RDS::DBCluster",
                "Properties": {
                    "Engine": "aurora-postgresql",
                    "DatabaseName": "knowledge",
                    "MasterUsername": "groundwork",
                    "ManageMasterUserPassword": True,
                    "EnableHttpEndpoint": True,
                    "ServerlessV2ScalingConfiguration": {"MinCapacity": 0, "MaxCapacity": 2},
                },
            },
            "Writer": {
                "Type": "AWS::RDS::DBInstance",
                "Properties": {
                    "Engine": "aurora-postgresql",
                    "DBClusterIdentifier": {"Ref": "Cluster"},
                    "DBInstanceClass": "db.serverless",
                },
            },
            "Secret": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {
                    "Type": "String",
                    "Value": get("Cluster", "MasterUserSecret.SecretArn"),
                },
            },
        }
    )
    secret = aws.client("ssm").get_parameter(Name=made["Secret"])["Parameter"]["Value"]
    account = {
        "resourceArn": f"arn:aws:rds:{aws.record().region}:000000000000:cluster:{made['Cluster']}",
        "secretArn": secret,
    }
    data = aws.client("rds-data")

    def run(sql: str, **more: Any) -> list[list[dict[str, Any]]]:
        answer = data.execute_statement(**account, database="knowledge", sql=sql, **more)
        return list(answer.get("records", []))

    run("create extension if not exists vector")
    run("create table notes (id int primary key, vector vector(3), own json)")
    data.batch_execute_statement(
        **account,
        database="knowledge",
        sql="insert into notes values (:id, :vector::vector, :own::json)",
        parameterSets=[
            [
                {"name": "id", "value": {"longValue": at}},
                {"name": "vector", "value": {"stringValue": f"[{at},1,0]"}},
                {"name": "own", "value": {"stringValue": '{"a": 1}'}},
            ]
            for at in range(3)
        ],
    )
    nearest = run("select id, own from notes order by vector <-> '[2,1,0]' limit 1")
    assert nearest == [[{"longValue": 2}, {"stringValue": '{"a": 1}'}]]
    transaction = data.begin_transaction(**account, database="knowledge")["transactionId"]
    run("delete from notes", transactionId=transaction)
    assert run("select count(*) from notes") == [[{"longValue": 3}]]
    data.rollback_transaction(**account, transactionId=transaction)
    assert run("select count(*) from notes") == [[{"longValue": 3}]]
    with pytest.raises(data.exceptions.BadRequestException, match="permission denied"):
        run("alter system set fsync = on")
    assert "PostgreSQL" in aws.control("status")["stores"]["servers"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert "PostgreSQL" not in aws.control("status")["stores"]["servers"]
