"""The deployed API without DataStore: the client of docs/offline.md, two devices at a time."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from local.plain_client import PAGE, GraphqlApi, Model, PlainClient
from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("appsync")
WHEN = "2026-12-01T08:00:00.000Z"


@pytest.fixture(scope="module")
def deployed(offline_outputs: dict[str, str]) -> GraphqlApi:
    return GraphqlApi(offline_outputs["GraphqlUrl"], offline_outputs["ApiKeyId"])


def device(api: GraphqlApi, merge: Any = None) -> PlainClient:
    return PlainClient(
        api,
        Model("WorkOrder", "siteID title status priority tags scheduledFor"),
        Model("Note", "workOrderID writtenAt text owner"),
        merge=merge,
    )


def identifier() -> str:
    return str(uuid.uuid4())


def test_two_devices_converge_after_both_were_away(deployed: GraphqlApi) -> None:
    one, other = device(deployed), device(deployed)
    orders = [identifier() for _ in range(2 * PAGE + 1)]
    for id_ in orders:
        one.change(
            "WorkOrder", "create", id_, siteID="s", title="Boiler", status="PLANNED",
            scheduledFor=WHEN, tags=[],
        )  # fmt: skip
    one.synchronise()
    other.synchronise()
    assert set(orders) <= set(other.shown("WorkOrder"))

    first, second, third = orders[:3]
    one.change("WorkOrder", "update", first, status="DONE", tags=["hot"])
    one.change("WorkOrder", "update", first, title="Boiler, mended")
    other.change("WorkOrder", "update", first, status="IN_PROGRESS", tags=["gas"], priority=1)
    other.change("WorkOrder", "delete", second)
    one.change("WorkOrder", "update", third, priority=9)
    assert one.shown("WorkOrder")[first]["title"] == "Boiler, mended"
    for each in (one, other, one, other):
        each.synchronise()
    assert one.shown("WorkOrder") == other.shown("WorkOrder")
    merged = one.shown("WorkOrder")[first]
    assert (merged["status"], merged["priority"]) == ("DONE", 1)
    assert sorted(merged["tags"]) == ["gas", "hot"]
    assert merged["title"] == "Boiler, mended"
    assert second not in one.shown("WorkOrder")
    assert one.conflicts == other.conflicts == []


def test_a_refused_change_is_merged_and_sent_again(deployed: GraphqlApi) -> None:
    def joined(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
        return {"text": f"{theirs['text']} / {mine['text']}"}

    one, other = device(deployed), device(deployed, merge=joined)
    note = identifier()
    one.change("Note", "create", note, workOrderID="w", writtenAt=WHEN, text="leak")
    one.synchronise()
    other.synchronise()
    one.change("Note", "update", note, text="leak, mended")
    other.change("Note", "update", note, text="leak, photo follows")
    for each in (one, other, one):
        each.synchronise()
    assert other.conflicts == [note]
    texts = {each.shown("Note")[note]["text"] for each in (one, other)}
    assert texts == {"leak, mended / leak, photo follows"}


def test_a_creation_whose_answer_was_lost_is_not_made_twice(deployed: GraphqlApi) -> None:
    one = device(deployed)
    note = identifier()
    values = {"workOrderID": "w", "writtenAt": WHEN, "text": "once"}
    one.change("Note", "create", note, **values)
    one.synchronise()
    one.change("Note", "create", note, **values)  # as if nothing had come back
    one.synchronise()
    assert one.models["Note"].outbox == {}
    assert one.shown("Note")[note]["_version"] == 1


def test_a_second_synchronisation_reads_changes_alone(deployed: GraphqlApi) -> None:
    one, other = device(deployed), device(deployed)
    one.synchronise()
    note = identifier()
    other.change("Note", "create", note, workOrderID="w", writtenAt=WHEN, text="new")
    other.synchronise()
    one.models["Note"].rows.clear()
    one.synchronise()
    assert set(one.models["Note"].rows) == {note}


def test_what_was_away_for_longer_than_the_delta_reads_everything(
    deployed: GraphqlApi, aws: LocalAws
) -> None:
    one = device(deployed)
    note = identifier()
    one.change("Note", "create", note, workOrderID="w", writtenAt=WHEN, text="old")
    one.synchronise()
    one.models["Note"].rows.clear()
    try:
        aws.control("appsync/clock", offset_seconds=2 * 86_400)
        one.synchronise()
    finally:
        aws.control("appsync/reset")
    assert note in one.models["Note"].rows
