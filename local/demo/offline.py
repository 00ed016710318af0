"""Chapter: two devices, one loses its network, both edit, they converge.

The devices are plain clients (docs/offline.md) on the deployed API, whose resolvers the local
AppSync runs; the conflict resolver of work orders is the deployed function.
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from local.demo.deployment import stack_name
from local.demo.report import Report
from local.plain_client import GraphqlApi, Model, PlainClient
from local.session import LocalAws

WHEN = "2026-12-01T08:00:00.000Z"
SHOWN = ("title", "status", "priority", "tags")


def play(aws: LocalAws, report: Report) -> None:
    """The chapter."""
    report.chapter("Offline: two devices edit the same work order, one of them without a network")
    outputs = aws.outputs(stack_name("Offline"))
    api = GraphqlApi(outputs["GraphqlUrl"], outputs["ApiKeyId"])
    office, van = _device(api), _device(api)
    order, note = str(uuid.uuid4()), str(uuid.uuid4())
    office.change(
        "WorkOrder", "create", order, siteID="site", title="Boiler", status="PLANNED",
        scheduledFor=WHEN, tags=[],
    )  # fmt: skip
    office.change("Note", "create", note, workOrderID=order, writtenAt=WHEN, text="It leaks")
    _meet(office, van)
    report.say(f"both devices show: {_seen(van, order)}")

    report.say("the van loses its network; both go on working")
    van.change("WorkOrder", "update", order, status="DONE", tags=["gas"])
    van.change("Note", "update", note, text="It leaks no more")
    office.change("WorkOrder", "update", order, title="Boiler, cellar", priority=1, tags=["urgent"])
    office.change("Note", "update", note, text="It leaks, said the neighbour")
    office.synchronise()
    report.say(f"the office shows:   {_seen(office, order)}")
    report.say(f"the van shows:      {_seen(van, order)}, {_waiting(van)} changes wait")

    begun = time.monotonic()
    _meet(van, office)
    report.figure("two devices, reconnect to converged", f"{time.monotonic() - begun:.2f} s")
    report.say(f"after the reconnect: {_seen(office, order)}")
    same = all(office.shown(name) == van.shown(name) for name in ("WorkOrder", "Note"))
    report.check(same, "both devices show the same")
    merged = van.shown("WorkOrder")[order]
    report.check(
        (merged["title"], merged["status"], sorted(merged["tags"]))
        == ("Boiler, cellar", "DONE", ["gas", "urgent"]),
        "nobody's change of the work order is lost: the function merged them",
    )
    report.check(
        van.conflicts == [note] and not _waiting(van),
        "the van's note was refused, and the van was told with the note as it is",
    )


def _device(api: GraphqlApi) -> PlainClient:
    return PlainClient(
        api,
        Model("WorkOrder", "siteID title status priority tags scheduledFor"),
        Model("Note", "workOrderID writtenAt text"),
    )


def _meet(first: PlainClient, second: PlainClient) -> None:
    for each in (first, second, first):
        each.synchronise()


def _seen(device: PlainClient, order: str) -> str:
    row: dict[str, Any] = device.shown("WorkOrder")[order]
    return json.dumps({name: row.get(name) for name in SHOWN})


def _waiting(device: PlainClient) -> int:
    return sum(len(model.outbox) for model in device.models.values())
