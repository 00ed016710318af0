"""Sync: base or delta, pages, filters, and what expires.

https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-conflict-detection-and-sync-sync-operations.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.session import LocalAws
from tests.appsync.clients import Api
from tests.appsync.notes import BASE_MINUTES, DELTA_MINUTES

pytestmark = pytest.mark.xdist_group("appsync")


def everything(api: Api, model: str = "Merged", **arguments: Any) -> Iterator[dict[str, Any]]:
    """All pages' items."""
    page = api.sync(model, **arguments)
    started = page["startedAt"]
    yield from page["items"]
    for _ in range(1000):
        if page["nextToken"] is None:
            return
        page = api.sync(model, **{**arguments, "nextToken": page["nextToken"]})
        assert page["startedAt"] == started
        yield from page["items"]
    raise AssertionError("the pages do not end")


def test_the_first_sync_reads_the_base_table(api: Api, new_id: Any) -> None:
    identity = new_id()
    api.create("Merged", id=identity, name="a")
    api.update("Merged", id=identity, name="b", _version=1)
    for last_sync in (None, 0):
        items = [each for each in everything(api, lastSync=last_sync) if each["id"] == identity]
        assert [(each["name"], each["_version"]) for each in items] == [("b", 2)]


def test_a_later_sync_reads_every_version_from_the_delta_table_in_order(
    api: Api, new_id: Any
) -> None:
    untouched, identity = new_id(), new_id()
    api.create("Merged", id=untouched, name="x")
    time.sleep(0.005)
    started = api.sync("Merged", limit=1)["startedAt"]
    api.create("Merged", id=identity, name="a")
    api.update("Merged", id=identity, name="b", _version=1)
    api.delete("Merged", identity, 2)
    items = list(everything(api, lastSync=started))
    mine = [each for each in items if each["id"] == identity]
    assert [(each["_version"], each["_deleted"]) for each in mine] == [
        (1, None),
        (2, None),
        (3, True),
    ]
    assert untouched not in {each["id"] for each in items}


@pytest.mark.parametrize("from_delta", [False, True])
def test_pages_hold_no_more_than_the_limit_and_miss_nothing(
    api: Api, new_id: Any, from_delta: bool
) -> None:
    started = api.sync("Strict", limit=1)["startedAt"] if from_delta else None
    wanted = {new_id() for _ in range(7)}
    for identity in wanted:
        api.create("Strict", id=identity)
    page = api.sync("Strict", limit=3, lastSync=started)
    assert len(page["items"]) == 3
    assert page["nextToken"]
    found = [each["id"] for each in everything(api, "Strict", limit=3, lastSync=started)]
    assert wanted <= set(found)
    assert len(found) == len(set(found))


def test_a_filter_leaves_items_out_but_counts_them(api: Api, new_id: Any) -> None:
    started = api.sync("Merged", limit=1)["startedAt"]
    low, high = new_id(), new_id()
    api.create("Merged", id=low, jersey=1)
    api.create("Merged", id=high, jersey=50)
    for last_sync in (None, started):
        found = {each["id"] for each in everything(api, minimum=10, lastSync=last_sync)}
        assert high in found
        assert low not in found


@pytest.mark.parametrize("limit", [0, 1001])
def test_a_limit_outside_1_to_1000_is_refused(api: Api, limit: int) -> None:
    answer = api.ask(f"{{ syncMergeds(limit: {limit}) {{ nextToken }} }}")
    assert answer.error["errorType"] == "BadRequest"


def test_a_token_of_another_resolver_is_refused(api: Api, new_id: Any) -> None:
    for _ in range(2):
        api.create("Strict", id=new_id())
    token = api.sync("Strict", limit=1)["nextToken"]
    for foreign in (token, token[:-4] + "AAA=", "garbage"):
        answer = api.ask(f'{{ syncMergeds(nextToken: "{foreign}") {{ nextToken }} }}')
        assert answer.error["message"] == "Invalid pagination token given."


def test_outside_the_delta_window_the_base_table_is_read(
    api: Api, aws: LocalAws, new_id: Any
) -> None:
    untouched = new_id()
    api.create("Merged", id=untouched)
    time.sleep(0.005)
    started = api.sync("Merged", limit=1)["startedAt"]
    assert untouched not in {each["id"] for each in everything(api, lastSync=started)}
    aws.control("appsync/clock", offset_seconds=DELTA_MINUTES * 60 - 60)
    assert untouched not in {each["id"] for each in everything(api, lastSync=started)}
    aws.control("appsync/clock", offset_seconds=DELTA_MINUTES * 60 + 60)
    assert untouched in {each["id"] for each in everything(api, lastSync=started)}


def test_delta_rows_and_tombstones_expire(
    api: Api, aws: LocalAws, outputs: dict[str, str], new_id: Any
) -> None:
    identity = new_id()
    api.create("Asked", id=identity)
    api.delete("Asked", identity, 1)

    def rows(table: str) -> int:
        found = aws.client("dynamodb").scan(TableName=outputs[table])["Items"]
        return sum(row["id"]["S"] == identity for row in found)

    assert (rows("AskedTable"), rows("Delta")) == (1, 2)
    assert aws.control("appsync/clock", offset_seconds=DELTA_MINUTES * 60 + 60)["deleted"] >= 2
    assert (rows("AskedTable"), rows("Delta")) == (1, 0)
    aws.control("appsync/clock", offset_seconds=BASE_MINUTES * 60 + 60)
    assert rows("AskedTable") == 0


def test_a_sync_over_midnight_reads_both_days(api: Api, aws: LocalAws, new_id: Any) -> None:
    now = time.time()
    before_midnight = 86400 - now % 86400 - 60
    aws.control("appsync/clock", offset_seconds=before_midnight)
    started = api.sync("Merged", limit=1)["startedAt"]
    early, late = new_id(), new_id()
    api.create("Merged", id=early)
    aws.control("appsync/clock", offset_seconds=before_midnight + 120)
    api.create("Merged", id=late)
    found = [each["id"] for each in everything(api, lastSync=started, limit=1)]
    assert [identity for identity in found if identity in (early, late)] == [early, late]
