"""How changes of a work order come together, and what AppSync is answered."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conflict_resolver.handler import handler
from conflict_resolver.work_orders import KEPT, ORDER, later, resolve, union

EXISTING = {
    "id": "w1",
    "title": "Boiler",
    "status": "IN_PROGRESS",
    "priority": 2,
    "tags": ["heating"],
    "assignee": "tom",
    "updatedAt": "2026-11-24T12:00:00.000Z",
    "createdAt": "2026-11-20T08:00:00.000Z",
    "_version": 5,
    "_lastChangedAt": 1_795_474_246_974,
    "_deleted": None,
}


def update(given: dict[str, Any], existing: dict[str, Any] | None = None) -> dict[str, Any]:
    there = existing or EXISTING
    proposed = {**there, **given, "updatedAt": "2026-11-24T13:00:00.000Z"}
    return resolve(
        operation="updateWorkOrder",
        given={"id": "w1", "_version": 3, **given},
        existing=there,
        proposed=proposed,
    )


def test_a_late_change_says_what_it_changed_and_nothing_else() -> None:
    decision = update({"priority": 1})
    assert decision["action"] == "RESOLVE"
    assert decision["item"]["priority"] == 1
    assert decision["item"]["title"] == "Boiler"
    assert decision["item"]["assignee"] == "tom"


@pytest.mark.parametrize(
    ("there", "sent", "after"),
    [
        ("PLANNED", "IN_PROGRESS", "IN_PROGRESS"),
        ("DONE", "IN_PROGRESS", "DONE"),
        ("DONE", "CANCELLED", "DONE"),
        ("IN_PROGRESS", "CANCELLED", "CANCELLED"),
        ("CANCELLED", "PLANNED", "CANCELLED"),
        ("IN_PROGRESS", "SOMETHING_NEW", "IN_PROGRESS"),
    ],
)
def test_the_status_only_moves_forward(there: str, sent: str, after: str) -> None:
    decision = update({"status": sent}, {**EXISTING, "status": there})
    assert decision["item"]["status"] == after


def test_tags_of_both_are_there_once() -> None:
    decision = update({"tags": ["urgent", "heating"]})
    assert decision["item"]["tags"] == ["heating", "urgent"]


def test_null_removes_a_field() -> None:
    assert "assignee" not in update({"assignee": None})["item"]


def test_the_time_of_the_change_never_goes_back() -> None:
    newer = {**EXISTING, "updatedAt": "2027-01-01T00:00:00.000Z"}
    assert update({"priority": 1}, newer)["item"]["updatedAt"] == newer["updatedAt"]
    assert update({"priority": 1})["item"]["updatedAt"] == "2026-11-24T13:00:00.000Z"


def test_what_is_deleted_stays_deleted() -> None:
    assert update({"priority": 1}, {**EXISTING, "_deleted": True}) == {"action": "REJECT"}


@pytest.mark.parametrize(
    ("status", "action"),
    [("PLANNED", "REMOVE"), ("CANCELLED", "REMOVE"), ("IN_PROGRESS", "REJECT"), ("DONE", "REJECT")],
)
def test_work_that_has_begun_is_not_deleted_unseen(status: str, action: str) -> None:
    decision = resolve(
        operation="deleteWorkOrder",
        given={"id": "w1", "_version": 1},
        existing={**EXISTING, "status": status},
        proposed={},
    )
    assert decision == {"action": action}


values = st.one_of(st.none(), st.text(max_size=5), st.integers(), st.lists(st.text(max_size=3)))


@given(
    st.dictionaries(
        st.sampled_from(["title", "priority", "status", "tags", "id", "_version", "_deleted"]),
        values,
    )
)
def test_what_is_appsyncs_is_never_taken_from_a_client(sent: dict[str, Any]) -> None:
    if not isinstance(sent.get("tags"), list):
        sent.pop("tags", None)
    item = resolve(
        operation="updateWorkOrder", given=sent, existing=EXISTING, proposed={**EXISTING, **sent}
    )["item"]
    for name in KEPT & EXISTING.keys():
        assert item.get(name) == EXISTING[name]


@given(st.sampled_from(ORDER), st.sampled_from(ORDER), st.sampled_from(ORDER))
def test_statuses_come_together_in_any_order(one: str, two: str, three: str) -> None:
    assert later(one, two) == later(two, one)
    assert later(later(one, two), three) == later(one, later(two, three))


@given(st.lists(st.text(max_size=2)), st.lists(st.text(max_size=2)))
def test_sending_the_same_tags_again_changes_nothing(one: list[str], other: list[str]) -> None:
    once = union(one, other)
    assert union(once, other) == once
    assert set(once) == {*one, *other}


def test_the_function_answers_appsync_and_logs_no_contents(
    capsys: pytest.CaptureFixture[str],
) -> None:
    event = {
        "newItem": {**EXISTING, "title": "Secret"},
        "existingItem": EXISTING,
        "arguments": {"input": {"id": "w1", "title": "Secret", "_version": 3}},
        "resolver": {"field": "updateWorkOrder", "parentType": "Mutation"},
        "identity": None,
    }
    context = SimpleNamespace(aws_request_id="1", invoked_function_arn="a:b:c:d:e:f:g:live")
    decision = handler(event, context)
    assert decision["action"] == "RESOLVE"
    assert decision["item"]["title"] == "Secret"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (conflict,) = (line for line in lines if line["event"] == "conflict")
    assert conflict["action"] == "RESOLVE"
    assert conflict["sent"] == ["_version", "id", "title"]
    assert "Secret" not in json.dumps(lines)
