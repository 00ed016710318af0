"""Versioned data sources: metadata, the three strategies, tombstones, the delta table.

https://docs.aws.amazon.com/appsync/latest/devguide/conflict-detection-and-resolution.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.session import LocalAws
from tests.appsync.clients import Api

pytestmark = pytest.mark.xdist_group("appsync")


def test_create_returns_the_metadata(api: Api, new_id: Any) -> None:
    made = api.create("Merged", id=new_id(), name="Nadia").data["createMerged"]
    assert made["_version"] == 1
    assert made["_deleted"] is None
    assert made["_lastChangedAt"] > 1_700_000_000_000


def test_the_published_automerge_example_step_by_step(
    api: Api, aws: LocalAws, outputs: Any, new_id: Any
) -> None:
    identity = new_id()
    aws.client("dynamodb").put_item(
        TableName=outputs["MergedTable"],
        Item={
            "id": {"S": identity},
            "name": {"S": "Nadia"},
            "jersey": {"N": "5"},
            "_version": {"N": "4"},
            "_lastChangedAt": {"N": "1"},
        },
    )

    def merge(version: int, **values: Any) -> dict[str, Any]:
        answer = api.update("Merged", id=identity, _version=version, **values)
        return dict(answer.data["updateMerged"])

    after = merge(2, name="Nadia", jersey=55)
    assert (after["jersey"], after["_version"]) == (5, 5)

    after = merge(
        3, name="Shaggy", jersey=5, interests=["breakfast", "lunch", "dinner"], points=[24, 30, 27]
    )
    assert (after["name"], after["_version"]) == ("Nadia", 6)
    assert after["interests"] == ["breakfast", "lunch", "dinner"]
    assert after["points"] == [24, 30, 27]

    after = merge(
        5, name="Nadia", jersey=5, interests=["breakfast", "lunch", "brunch"], points=[30, 35]
    )
    assert after["interests"] == ["breakfast", "lunch", "dinner", "brunch"]
    assert after["points"] == [24, 30, 27, 30, 35]
    assert after["_version"] == 7

    after = merge(7, stats=json.dumps({"ppg": "35.4", "apg": "6.3"}))
    assert after["_version"] == 8

    after = merge(3, name="Nadia", stats=json.dumps({"ppg": "25.7", "rpg": "6.9"}))
    assert json.loads(after["stats"]) == {"ppg": "35.4", "apg": "6.3", "rpg": "6.9"}
    assert after["interests"] == ["breakfast", "lunch", "dinner", "brunch"]
    assert after["points"] == [24, 30, 27, 30, 35]
    assert (after["jersey"], after["_version"]) == (5, 9)
    assert api.get("Merged", identity) == after


@pytest.mark.parametrize("model", ["Merged", "Strict", "Asked"])
def test_an_update_with_the_latest_version_is_applied(api: Api, new_id: Any, model: str) -> None:
    identity = new_id()
    api.create(model, id=identity, name="old", jersey=1, owner="me")
    after = api.update(model, id=identity, name="new", jersey=None, _version=1).data[
        f"update{model}"
    ]
    assert (after["name"], after["jersey"], after["owner"], after["_version"]) == (
        "new",
        None,
        "me",
        2,
    )


def test_optimistic_concurrency_rejects_with_the_servers_item(api: Api, new_id: Any) -> None:
    identity = new_id()
    api.create("Strict", id=identity, name="first", owner="me")
    second = api.update("Strict", id=identity, name="second", _version=1).data["updateStrict"]
    answer = api.update("Strict", id=identity, name="third", _version=1)
    assert answer.status == 200
    assert answer.body["data"] == {"updateStrict": None}
    assert answer.error == {
        "path": ["updateStrict"],
        "data": second,
        "errorType": "ConflictUnhandled",
        "errorInfo": None,
        "locations": [{"line": 1, "column": 36, "sourceName": None}],
        "message": "Conflict resolver rejects mutation.",
    }


def test_an_update_without_a_version_conflicts(api: Api, new_id: Any) -> None:
    identity = new_id()
    api.create("Strict", id=identity, name="first")
    assert api.update("Strict", id=identity, name="x").error["errorType"] == "ConflictUnhandled"


class TestFunction:
    """LAMBDA."""

    def conflict(self, api: Api, identity: str, **values: Any) -> Any:
        api.create("Asked", id=identity, name="mine")
        api.update("Asked", id=identity, name="theirs", _version=1)
        return api.update("Asked", id=identity, _version=1, **values)

    def test_resolve_replaces_the_item(self, api: Api, new_id: Any) -> None:
        after = self.conflict(api, new_id(), name="late").data["updateAsked"]
        assert (after["name"], after["_version"]) == ("theirs+late", 3)
        assert after["owner"] == "updateAsked"
        assert after["jersey"] == 3

    def test_reject_is_unhandled(self, api: Api, new_id: Any) -> None:
        error = self.conflict(api, new_id(), name="reject").error
        assert (error["errorType"], error["data"]["name"]) == ("ConflictUnhandled", "theirs")

    def test_a_malformed_answer_is_an_error_of_its_own(self, api: Api, new_id: Any) -> None:
        assert self.conflict(api, new_id(), name="nonsense").error["errorType"] == "ConflictError"

    def test_remove_deletes(self, api: Api, new_id: Any) -> None:
        identity = new_id()
        self.conflict(api, identity, name="late")
        assert api.delete("Asked", identity, 1).data["deleteAsked"]["_deleted"] is True


class TestDelete:
    """Tombstones."""

    def test_a_tombstone_stays_for_the_base_time_to_live(
        self, api: Api, aws: LocalAws, outputs: Any, new_id: Any
    ) -> None:
        identity = new_id()
        made = api.create("Merged", id=identity, name="gone").data["createMerged"]
        after = api.delete("Merged", identity, 1).data["deleteMerged"]
        assert (after["_deleted"], after["_version"], after["name"]) == (True, 2, "gone")
        row = _row(aws, outputs["MergedTable"], identity)
        expected = made["_lastChangedAt"] / 1000 + 43200 * 60
        assert abs(int(row["_ttl"]["N"]) - expected) < 60
        assert api.get("Merged", identity)["_deleted"] is True

    def test_a_stale_delete_is_rejected_under_automerge(self, api: Api, new_id: Any) -> None:
        identity = new_id()
        api.create("Merged", id=identity, name="a")
        api.update("Merged", id=identity, name="b", _version=1)
        error = api.delete("Merged", identity, 1).error
        assert (error["errorType"], error["data"]["_version"]) == ("ConflictUnhandled", 2)

    def test_a_stale_edit_does_not_bring_back_what_was_deleted(self, api: Api, new_id: Any) -> None:
        identity = new_id()
        api.create("Merged", id=identity, name="a")
        api.delete("Merged", identity, 1)
        after = api.update("Merged", id=identity, jersey=3, _version=1).data["updateMerged"]
        assert (after["_deleted"], after["_version"]) == (True, 3)

    def test_an_edit_of_the_tombstones_version_does(self, api: Api, new_id: Any) -> None:
        identity = new_id()
        api.create("Merged", id=identity, name="a")
        api.delete("Merged", identity, 1)
        after = api.update("Merged", id=identity, name="b", _version=2).data["updateMerged"]
        assert (after["_deleted"], after["_version"]) == (None, 3)

    def test_what_is_not_there_fails_on_its_condition(self, api: Api, new_id: Any) -> None:
        error = api.delete("Merged", new_id(), 1).error
        assert error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
        assert error["message"].startswith("The conditional request failed (Service: DynamoDb")


def test_a_second_create_fails_on_its_condition(api: Api, new_id: Any) -> None:
    identity = new_id()
    api.create("Merged", id=identity, name="first")
    answer = api.create("Merged", id=identity, name="second")
    assert answer.error["errorType"] == "DynamoDB:ConditionalCheckFailedException"
    assert answer.error["data"]["name"] == "first"
    assert api.get("Merged", identity)["name"] == "first"


def test_every_change_is_a_row_of_the_delta_table(
    api: Api, aws: LocalAws, outputs: Any, new_id: Any
) -> None:
    identity = new_id()
    api.create("Merged", id=identity, name="a")
    api.update("Merged", id=identity, name="b", _version=1)
    last = api.delete("Merged", identity, 2).data["deleteMerged"]
    rows = [
        row
        for row in aws.client("dynamodb").scan(TableName=outputs["Delta"])["Items"]
        if row["id"]["S"] == identity
    ]
    rows.sort(key=lambda row: row["ds_sk"]["S"])
    assert [row["_version"]["N"] for row in rows] == ["1", "2", "3"]
    row = rows[-1]
    assert row["ds_pk"]["S"].startswith(f"{outputs['MergedTable']}:20")
    time, version = row["ds_sk"]["S"].split(f":{identity}:")
    assert (len(time), version) == (len("00:35:56.331"), "3")
    assert int(row["_ttl"]["N"]) == last["_lastChangedAt"] // 1000 + 30 * 60
    assert row["_deleted"] == {"BOOL": True}


def test_rows_from_before_versioning_have_version_zero(
    api: Api, aws: LocalAws, outputs: Any, new_id: Any
) -> None:
    identity = new_id()
    aws.client("dynamodb").put_item(
        TableName=outputs["StrictTable"], Item={"id": {"S": identity}, "name": {"S": "old"}}
    )
    message = api.ask(f'{{ getStrict(id: "{identity}") {{ id _version }} }}').error["message"]
    assert message.startswith("Cannot return null for non-nullable type")
    assert api.update("Strict", id=identity, name="new").data["updateStrict"]["_version"] == 1


def _row(aws: LocalAws, table: str, identity: str) -> dict[str, Any]:
    answer = aws.client("dynamodb").get_item(TableName=table, Key={"id": {"S": identity}})
    return dict(answer["Item"])
