"""Chapter: two devices, one loses its network, both edit, they converge.

The devices are real DataStore clients without a screen where `make web` has built them, otherwise
plain clients (docs/offline.md), which need no npm. The local AppSync runs the deployed resolvers;
the conflict resolver of work orders is the deployed function.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from local.demo.deployment import stack_name
from local.demo.report import Report
from local.plain_client import GraphqlApi, Model, PlainClient
from local.session import REPOSITORY, LocalAws

SCRIPT = Path(__file__).with_name("two_devices.mjs")
NODE = Path(sys.executable).with_name("node")
NEEDED = (
    NODE,
    REPOSITORY / "web_src" / "dist" / "device" / "device.js",
    REPOSITORY / "node_modules" / "fake-indexeddb",
)
CHAPTER_SECONDS = 120
WHEN = "2026-12-01T08:00:00.000Z"
SHOWN = ("title", "status", "priority", "tags")


def play(aws: LocalAws, report: Report) -> None:
    """The chapter."""
    report.chapter("Offline: two devices edit the same work order, one of them without a network")
    outputs = aws.outputs(stack_name("Offline"))
    if all(path.exists() for path in NEEDED):
        report.say("the devices are real Amplify DataStore clients, without a screen, in Node")
        _data_store(outputs, aws.record().region, report)
    else:
        report.say("the devices are plain clients; for real DataStore clients run: make web")
        _plain(GraphqlApi(outputs["GraphqlUrl"], outputs["ApiKeyId"]), report)


def _data_store(outputs: dict[str, str], region: str, report: Report) -> None:
    outcome = subprocess.run(
        [str(NODE), str(SCRIPT), outputs["GraphqlUrl"], region, outputs["ApiKeyId"]],
        capture_output=True,
        text=True,
        timeout=CHAPTER_SECONDS,
        check=False,
    )
    for line in map(json.loads, outcome.stdout.splitlines()):
        if "say" in line:
            report.say(line["say"])
        if "figure" in line:
            report.figure(*line["figure"])
        if "check" in line:
            report.check(*line["check"])
    if outcome.returncode:
        report.check(False, f"the devices end as they should: {outcome.stderr[-1000:]}")


def _plain(api: GraphqlApi, report: Report) -> None:
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
