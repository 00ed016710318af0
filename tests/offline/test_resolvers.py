"""What resolvers ask of DynamoDB and answer to clients, for every kind of caller."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.offline.resolvers import (
    BY_FIELD,
    FROM_THE_IDENTITY_POOL,
    KEY,
    NOW,
    PROGRAM,
    Caller,
    Host,
    Outcome,
    user,
)

DISPATCHER = user("dora", "Dispatchers")
TECHNICIAN = user("tom", "Technicians")
NEWCOMER = user("nina")
RELATIONS = sorted(
    name for name in BY_FIELD if name.split(".")[0] not in ("Query", "Mutation", "Subscription")
)
CONFLICT = {"message": "Conflict resolver rejects mutation.", "type": "ConflictUnhandled"}


def stored(caller: Caller, **values: object) -> dict[str, object]:
    return {"id": "1", "_version": 3, "_lastChangedAt": 1, **values}


# Creating


def test_create_writes_the_input_with_its_times(resolvers: Host) -> None:
    given = {"id": "s1", "name": "Depot", "accessHints": ["gate 4"], "phone": None}
    request = resolvers.resolve("Mutation.createSite", DISPATCHER, args={"input": given}).request
    assert request == {
        "operation": "PutItem",
        "key": {"id": {"S": "s1"}},
        "attributeValues": {
            "createdAt": {"S": NOW},
            "updatedAt": {"S": NOW},
            "name": {"S": "Depot"},
            "accessHints": {"L": [{"S": "gate 4"}]},
        },
        "condition": {
            "expression": "(attribute_not_exists(#id))",
            "expressionNames": {"#id": "id"},
        },
    }


def test_create_makes_an_id_when_there_is_none(resolvers: Host) -> None:
    request = resolvers.resolve(
        "Mutation.createSite", KEY, args={"input": {"name": "Depot"}}
    ).request
    assert len(request["key"]["id"]["S"]) == 36


def test_create_never_writes_what_is_appsyncs(resolvers: Host) -> None:
    request = resolvers.resolve(
        "Mutation.createSite", KEY, args={"input": {"name": "Depot", "_version": 9}}
    ).request
    assert not {"_version", "_deleted", "_lastChangedAt", "id"} & set(request["attributeValues"])


def test_the_creator_owns_a_note(resolvers: Host) -> None:
    given = {"workOrderID": "w1", "writtenAt": NOW, "text": "done"}
    request = resolvers.resolve("Mutation.createNote", TECHNICIAN, args={"input": given}).request
    assert request["attributeValues"]["owner"] == {"S": "tom"}


def test_nobody_writes_a_note_in_somebody_elses_name(resolvers: Host) -> None:
    given = {"workOrderID": "w1", "writtenAt": NOW, "text": "done", "owner": "dora"}
    outcome = resolvers.resolve("Mutation.createNote", TECHNICIAN, args={"input": given})
    assert outcome.error
    assert outcome.error["type"] == "Unauthorized"


def test_a_program_says_whose_note_it_writes(resolvers: Host) -> None:
    given = {"workOrderID": "w1", "writtenAt": NOW, "text": "done"}
    outcome = resolvers.resolve("Mutation.createNote", PROGRAM, args={"input": given})
    assert outcome.error
    assert "input.owner" in outcome.error["message"]
    named = resolvers.resolve(
        "Mutation.createNote", PROGRAM, args={"input": {**given, "owner": "tom"}}
    )
    assert named.request["attributeValues"]["owner"] == {"S": "tom"}


@pytest.mark.parametrize(("owner", "told"), [("tom", True), ("dora", False)])
def test_a_note_that_exists_is_told_to_its_owner_alone(
    resolvers: Host, owner: str, told: bool
) -> None:
    given = {"id": "1", "workOrderID": "w1", "writtenAt": NOW, "text": "again"}
    there = stored(TECHNICIAN, owner=owner)
    failed = {"message": "exists", "type": "DynamoDB:ConditionalCheckFailedException"}
    outcome = resolvers.resolve(
        "Mutation.createNote",
        TECHNICIAN,
        args={"input": given},
        results=[{"error": failed, "result": there}],
    )
    assert outcome.error
    assert outcome.error["data"] == (there if told else None)


# Changing


def updated(resolvers: Host, given: dict[str, object], **more: object) -> Outcome:
    return resolvers.resolve(
        "Mutation.updateWorkOrder", TECHNICIAN, args={"input": {"id": "w1", **given}, **more}
    )


def test_update_sets_what_is_given_and_removes_what_is_null(resolvers: Host) -> None:
    request = updated(resolvers, {"status": "DONE", "assignee": None, "_version": 4}).request
    assert request["update"] == {
        "expression": "SET #updatedAt = :updatedAt, #status = :status REMOVE #assignee",
        "expressionNames": {
            "#updatedAt": "updatedAt",
            "#status": "status",
            "#assignee": "assignee",
        },
        "expressionValues": {":updatedAt": {"S": NOW}, ":status": {"S": "DONE"}},
    }
    assert request["_version"] == 4
    assert request["condition"]["expression"] == "(attribute_exists(#id))"


def test_a_required_field_cannot_be_removed(resolvers: Host) -> None:
    outcome = updated(resolvers, {"title": None, "_version": 1})
    assert outcome.error
    assert "input.title" in outcome.error["message"]
    assert outcome.error["type"] == "BadRequest"


def test_the_callers_condition_is_asked_as_well(resolvers: Host) -> None:
    request = updated(
        resolvers, {"status": "DONE", "_version": 1}, condition={"status": {"ne": "DONE"}}
    ).request
    condition = request["condition"]
    assert condition["expression"] == "((attribute_exists(#id)) AND (#status <> :status_ne_1))"
    assert condition["expressionValues"] == {":status_ne_1": {"S": "DONE"}}


@pytest.mark.parametrize("condition", [None, {}])
def test_no_condition_is_no_condition(resolvers: Host, condition: object) -> None:
    request = updated(resolvers, {"_version": 1}, condition=condition).request
    assert "expressionValues" not in request["condition"]


@pytest.mark.parametrize("name", ["Mutation.updateWorkOrder", "Mutation.deleteWorkOrder"])
def test_a_conflict_comes_with_the_item(resolvers: Host, name: str) -> None:
    there = stored(DISPATCHER, title="theirs")
    outcome = resolvers.resolve(
        name,
        DISPATCHER,
        args={"input": {"id": "1", "_version": 2}},
        results=[{"error": CONFLICT, "result": there}],
    )
    assert outcome.error
    assert outcome.error["type"] == "ConflictUnhandled"
    assert outcome.error["message"] == CONFLICT["message"]
    assert outcome.error["data"] == there


def test_delete_asks_for_the_item_and_its_version(resolvers: Host) -> None:
    request = resolvers.resolve(
        "Mutation.deleteSite", DISPATCHER, args={"input": {"id": "s1", "_version": 7}}
    ).request
    assert request["operation"] == "DeleteItem"
    assert request["_version"] == 7
    assert request["condition"]["expression"] == "(attribute_exists(#id))"


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_somebody_elses_note_is_neither_changed_nor_shown(resolvers: Host, operation: str) -> None:
    outcome = resolvers.resolve(
        f"Mutation.{operation}Note",
        NEWCOMER,
        args={"input": {"id": "1", "_version": 3}},
        results=[{"result": stored(TECHNICIAN, owner="tom")}],
    )
    assert [request["operation"] for request in outcome.requests] == ["GetItem"]
    assert outcome.error == {"message": "Unauthorized", "type": "Unauthorized"}


@pytest.mark.parametrize("operation", ["update", "delete"])
def test_a_note_without_an_owner_is_nobodys_to_change(resolvers: Host, operation: str) -> None:
    """Such as one from before notes had owners."""
    outcome = resolvers.resolve(
        f"Mutation.{operation}Note",
        TECHNICIAN,
        args={"input": {"id": "1", "_version": 3}},
        results=[{"result": stored(TECHNICIAN)}],
    )
    assert [request["operation"] for request in outcome.requests] == ["GetItem"]
    assert outcome.error == {"message": "Unauthorized", "type": "Unauthorized"}


def test_an_owner_changes_their_note(resolvers: Host) -> None:
    outcome = resolvers.resolve(
        "Mutation.updateNote",
        TECHNICIAN,
        args={"input": {"id": "1", "text": "better", "_version": 3}},
        results=[{"result": stored(TECHNICIAN, owner="tom")}, {"result": stored(TECHNICIAN)}],
    )
    assert [request["operation"] for request in outcome.requests] == ["GetItem", "UpdateItem"]
    assert outcome.requests[0]["consistentRead"] is True
    assert outcome.error is None


def test_a_dispatcher_removes_a_note_without_reading_it_first(resolvers: Host) -> None:
    outcome = resolvers.resolve(
        "Mutation.deleteNote", DISPATCHER, args={"input": {"id": "1", "_version": 3}}
    )
    assert [request["operation"] for request in outcome.requests] == ["DeleteItem"]


# Reading


def test_get_reads_one_item(resolvers: Host) -> None:
    outcome = resolvers.resolve(
        "Query.getSite", NEWCOMER, args={"id": "s1"}, results=[{"result": {"id": "s1"}}]
    )
    assert outcome.request == {"operation": "GetItem", "key": {"id": {"S": "s1"}}}
    assert outcome.answer == {"id": "s1"}


def test_get_of_somebody_elses_note_is_refused(resolvers: Host) -> None:
    outcome = resolvers.resolve(
        "Query.getNote", NEWCOMER, args={"id": "1"}, results=[{"result": {"owner": "tom"}}]
    )
    assert outcome.error
    assert outcome.error["type"] == "Unauthorized"


@pytest.mark.parametrize("read", ["Query.listNotes", "Query.syncNotes", "Query.notesByWorkOrder"])
def test_pages_hold_a_users_own_notes_and_what_they_filter(resolvers: Host, read: str) -> None:
    args = {"filter": {"text": {"contains": "leak"}}, "workOrderID": "w1"}
    request = resolvers.resolve(read, TECHNICIAN, args=args).request
    assert request["filter"] == {
        "expression": "((contains(#text, :text_contains)) AND (#owner = :owner_eq_1))",
        "expressionNames": {"#text": "text", "#owner": "owner"},
        "expressionValues": {":text_contains": {"S": "leak"}, ":owner_eq_1": {"S": "tom"}},
    }
    assert resolvers.resolve(read, DISPATCHER, args={"workOrderID": "w1"}).request["filter"] is None


@pytest.mark.parametrize("read", ["Query.listNotes", "Query.syncNotes", "Query.notesByWorkOrder"])
def test_an_empty_filter_is_no_filter(resolvers: Host, read: str) -> None:
    args = {"filter": {}, "workOrderID": "w1"}
    assert resolvers.resolve(read, DISPATCHER, args=args).request["filter"] is None
    assert resolvers.resolve(read, TECHNICIAN, args=args).request["filter"] == {
        "expression": "(#owner = :owner_eq)",
        "expressionNames": {"#owner": "owner"},
        "expressionValues": {":owner_eq": {"S": "tom"}},
    }


def test_sync_as_the_client_starts_and_goes_on(resolvers: Host) -> None:
    first = {"limit": 1000, "nextToken": None, "lastSync": 0, "filter": None}
    request = resolvers.resolve("Query.syncSites", NEWCOMER, args=first).request
    assert request == {
        "operation": "Sync",
        "limit": 1000,
        "nextToken": None,
        "lastSync": None,
        "filter": None,
    }
    later = {**first, "lastSync": 1795474246974, "nextToken": "abc"}
    request = resolvers.resolve("Query.syncSites", NEWCOMER, args=later).request
    assert (request["lastSync"], request["nextToken"]) == (1795474246974, "abc")


def test_sync_answers_what_the_data_source_does(resolvers: Host) -> None:
    page = {"items": [{"id": "1", "_deleted": True}], "nextToken": None, "startedAt": 5}
    outcome = resolvers.resolve("Query.syncSites", NEWCOMER, results=[{"result": page}])
    assert outcome.answer == page


def test_a_sync_that_fails_hands_over_the_items_that_it_has(resolvers: Host) -> None:
    """DataStore takes them, and asks for the rest again."""
    page = {"items": [{"id": "1"}], "nextToken": "more", "startedAt": 5}
    failed = {"message": "slow down", "type": "DynamoDB:ProvisionedThroughputExceededException"}
    outcome = resolvers.resolve(
        "Query.syncSites", NEWCOMER, results=[{"error": failed, "result": page}]
    )
    assert outcome.error == {**failed, "data": page}


@pytest.mark.parametrize("read", ["Query.listSites", "Query.syncSites"])
@pytest.mark.parametrize(("limit", "asked"), [(None, 100), (50, 50), (5_000, 1_000)])
def test_pages_have_a_largest_size(
    resolvers: Host, read: str, limit: int | None, asked: int
) -> None:
    assert resolvers.resolve(read, NEWCOMER, args={"limit": limit}).request["limit"] == asked


@pytest.mark.parametrize(
    ("sort", "expression", "values"),
    [
        ({"eq": "a"}, "#sort = :sort", {":sort": {"S": "a"}}),
        ({"ge": "a"}, "#sort >= :sort", {":sort": {"S": "a"}}),
        ({"beginsWith": "a"}, "begins_with(#sort, :sort)", {":sort": {"S": "a"}}),
        (
            {"between": ["a", "b"]},
            "#sort BETWEEN :low AND :high",
            {":low": {"S": "a"}, ":high": {"S": "b"}},
        ),
    ],
)
def test_an_index_is_read_by_its_keys(
    resolvers: Host, sort: dict[str, object], expression: str, values: dict[str, object]
) -> None:
    request = resolvers.resolve(
        "Query.workOrdersByAssignee",
        TECHNICIAN,
        args={"assignee": "tom", "scheduledFor": sort, "sortDirection": "DESC"},
    ).request
    assert request["index"] == "byAssignee"
    assert request["scanIndexForward"] is False
    assert request["query"] == {
        "expression": f"#partition = :partition AND {expression}",
        "expressionNames": {"#partition": "assignee", "#sort": "scheduledFor"},
        "expressionValues": {":partition": {"S": "tom"}, **values},
    }


@pytest.mark.parametrize(
    ("sort", "said"),
    [
        ({"ge": "a", "le": "b"}, "scheduledFor: give exactly one of"),
        ({}, "scheduledFor: give exactly one of"),
        ({"eq": None}, "scheduledFor: give exactly one of"),
        ({"between": None}, "scheduledFor: give exactly one of"),
        ({"between": []}, "scheduledFor: between takes two values"),
        ({"between": ["a"]}, "scheduledFor: between takes two values"),
        ({"between": ["a", None]}, "scheduledFor: between takes two values"),
        ({"between": ["a", "b", "c"]}, "scheduledFor: between takes two values"),
    ],
)
def test_a_sort_key_has_one_whole_condition(
    resolvers: Host, sort: dict[str, object], said: str
) -> None:
    outcome = resolvers.resolve(
        "Query.workOrdersBySite", DISPATCHER, args={"siteID": "s1", "scheduledFor": sort}
    )
    assert outcome.error
    assert outcome.error["message"].startswith(said)
    assert outcome.error["type"] == "BadRequest"
    assert outcome.requests == []


def test_a_condition_of_null_is_none(resolvers: Host) -> None:
    sort = {"ge": "a", "between": None, "eq": None}
    request = resolvers.resolve(
        "Query.workOrdersBySite", DISPATCHER, args={"siteID": "s1", "scheduledFor": sort}
    ).request
    assert request["query"]["expression"] == "#partition = :partition AND #sort >= :sort"


# Relations


def test_what_an_item_belongs_to_is_not_read_for_its_id(resolvers: Host) -> None:
    source = {"id": "w1", "siteID": "s1"}
    outcome = resolvers.resolve(
        "WorkOrder.site", TECHNICIAN, source=source, selected=["id", "_deleted"]
    )
    assert outcome.requests == []
    assert outcome.answer == {"id": "s1", "_deleted": None}
    read = resolvers.resolve("WorkOrder.site", TECHNICIAN, source=source, selected=["id", "name"])
    assert read.request == {"operation": "GetItem", "key": {"id": {"S": "s1"}}}


def test_an_alias_does_not_pass_for_the_id(resolvers: Host) -> None:
    source = {"id": "n1", "workOrderID": "w1"}
    read = resolvers.resolve("Note.workOrder", TECHNICIAN, source=source, selected=["id: title"])
    assert read.request["operation"] == "GetItem"
    pushed = resolvers.resolve(
        "Note.workOrder", TECHNICIAN, source={**source, "__pushed": True}, selected=["id: title"]
    )
    assert (pushed.requests, pushed.answer) == ([], None)


def test_an_item_that_belongs_to_nothing(resolvers: Host) -> None:
    outcome = resolvers.resolve(
        "WorkOrder.site", TECHNICIAN, source={"id": "w1"}, selected=["name"]
    )
    assert outcome.requests == []
    assert outcome.answer is None


def test_many_are_read_by_the_index(resolvers: Host) -> None:
    request = resolvers.resolve("WorkOrder.notes", TECHNICIAN, source={"id": "w1"}).request
    assert request["index"] == "byWorkOrder"
    assert request["query"]["expressionValues"] == {":partition": {"S": "w1"}}
    assert "#owner" in request["filter"]["expressionNames"]


# What mutations answer is pushed to subscribers, with the relations that were selected

PUSHED = {"__pushed": True}


@pytest.mark.parametrize("name", ["Site.workOrders", "WorkOrder.notes", "Note.workOrder"])
@pytest.mark.parametrize("caller", [DISPATCHER, TECHNICIAN, PROGRAM, KEY])
def test_a_mutation_shows_no_relation_that_not_all_who_are_told_may_read(
    resolvers: Host, name: str, caller: Caller
) -> None:
    source = {"id": "1", "workOrderID": "w1", **PUSHED}
    outcome = resolvers.resolve(name, caller, source=source, selected=["id", "title"])
    assert (outcome.requests, outcome.answer, outcome.error) == ([], None, None)


def test_a_mutation_shows_the_ids_that_datastore_selects(resolvers: Host) -> None:
    source = {"id": "n1", "workOrderID": "w1", **PUSHED}
    outcome = resolvers.resolve(
        "Note.workOrder", TECHNICIAN, source=source, selected=["id", "_deleted"]
    )
    assert outcome.requests == []
    assert outcome.answer == {"id": "w1", "_deleted": None, **PUSHED}


def test_a_mutation_shows_a_relation_that_all_who_are_told_may_read(resolvers: Host) -> None:
    outcome = resolvers.resolve(
        "WorkOrder.site",
        TECHNICIAN,
        source={"id": "w1", "siteID": "s1", **PUSHED},
        selected=["id", "name", "workOrders"],
        results=[{"result": {"id": "s1", "name": "Depot"}}],
    )
    assert outcome.answer == {"id": "s1", "name": "Depot", **PUSHED}


@pytest.mark.parametrize("name", sorted(each for each in BY_FIELD if "Mutation." in each))
def test_every_mutation_marks_what_it_answers(resolvers: Host, name: str) -> None:
    there = stored(KEY, owner="tom")
    outcome = resolvers.resolve(
        name, KEY, args={"input": {"id": "1", "owner": "tom"}}, results=[{"result": there}]
    )
    assert outcome.answer == {**there, **PUSHED}


@pytest.mark.parametrize("name", RELATIONS)
def test_a_relation_goes_on_marking_below_a_mutation_alone(resolvers: Host, name: str) -> None:
    """Checked with every plan as if it were shared: what is below may be less open again."""
    resolver = BY_FIELD[name]
    opened = replace(resolver, code=resolver.code.replace('"shared": false', '"shared": true'))
    page = {"items": [{"id": "a"}, {"id": "b"}], "nextToken": None}
    answered: dict[str, Any] = page if "query" in resolver.functions else {"id": "a"}
    for mark in (PUSHED, {}):
        source = {"id": "1", "siteID": "s1", "workOrderID": "w1", **mark}
        answer = resolvers.run(
            opened, DISPATCHER, source=source, results=[{"result": answered}], selected=["title"]
        ).answer
        items = answer.get("items", [answer])
        assert [each == {"id": each["id"], **mark} for each in items] == [True] * len(items)


@pytest.mark.parametrize("name", RELATIONS)
def test_who_hears_of_a_mutation_could_have_read_all_that_it_shows(
    resolvers: Host, name: str
) -> None:
    """For everybody who may subscribe to the parent: the target's own query refuses or limits."""
    parent, _ = name.split(".")
    resolver = BY_FIELD[name]
    told = {"id": "1", "siteID": "s1", "workOrderID": "w1", **PUSHED}
    shown = resolvers.resolve(name, KEY, source=told, selected=["title"]).requests != []
    everybody = True
    for caller in (DISPATCHER, TECHNICIAN, NEWCOMER):
        if resolvers.resolve(f"Subscription.onUpdate{parent}", caller).error is None:
            read = resolvers.resolve(f"Query.list{resolver.model}s", caller)
            everybody &= read.error is None and read.request["filter"] is None
    assert shown == everybody


# Subscriptions


def test_subscribers_are_told_of_their_own(resolvers: Host) -> None:
    outcome = resolvers.resolve("Subscription.onUpdateNote", TECHNICIAN, args={"owner": "tom"})
    (group,) = outcome.subscription_filter["filterGroup"]
    assert group["filters"] == [{"fieldName": "owner", "operator": "eq", "value": "tom"}]
    assert outcome.answer is None


@pytest.mark.parametrize(
    "asked",
    [
        {"text": {"contains": "leak"}},
        {"or": [{"text": {"contains": "leak"}}, {"owner": {"ne": "tom"}}]},
        {
            "text": {"ge": "a", "le": "z"},
            "and": [{"or": [{"id": {"eq": "1"}}, {"id": {"ne": "1"}}]}],
        },
        {"and": []},
        {"or": []},
        {},
    ],
)
def test_every_way_through_a_subscribers_filter_ends_at_the_owner(
    resolvers: Host, asked: dict[str, Any]
) -> None:
    outcome = resolvers.resolve("Subscription.onCreateNote", TECHNICIAN, args={"filter": asked})
    groups = outcome.subscription_filter["filterGroup"]
    assert groups
    mine = {"fieldName": "owner", "operator": "eq", "value": "tom"}
    assert [group["filters"][-1] for group in groups] == [mine] * len(groups)
    free = resolvers.resolve("Subscription.onCreateNote", DISPATCHER, args={"filter": asked})
    if asked and groups != [{"filters": [mine]}]:
        of_others = free.subscription_filter["filterGroup"]
        assert [group["filters"][:-1] for group in groups] == [g["filters"] for g in of_others]


def test_nobody_subscribes_to_somebody_elses(resolvers: Host) -> None:
    outcome = resolvers.resolve("Subscription.onUpdateNote", NEWCOMER, args={"owner": "tom"})
    assert outcome.error
    assert outcome.error["type"] == "Unauthorized"


def test_dispatchers_are_told_of_everything(resolvers: Host) -> None:
    outcome = resolvers.resolve("Subscription.onDeleteNote", DISPATCHER)
    assert outcome.subscription_filter is None
    assert outcome.error is None


# Who may what

ALLOWED = {
    "Mutation.createSite": {"dora"},
    "Mutation.updateSite": {"dora"},
    "Mutation.deleteSite": {"dora"},
    "Query.syncSites": {"dora", "tom", "nina"},
    "Subscription.onUpdateSite": {"dora", "tom", "nina"},
    "Mutation.createWorkOrder": {"dora"},
    "Mutation.updateWorkOrder": {"dora", "tom"},
    "Mutation.deleteWorkOrder": {"dora"},
    "Query.listWorkOrders": {"dora", "tom"},
    "Subscription.onCreateWorkOrder": {"dora", "tom"},
    "Mutation.createNote": {"dora", "tom", "nina"},
    "Query.syncNotes": {"dora", "tom", "nina"},
}


@pytest.mark.parametrize("name", ALLOWED)
def test_groups_may_what_the_schema_says(resolvers: Host, name: str) -> None:
    args = {"input": {"id": "1"}}
    for caller in (DISPATCHER, TECHNICIAN, NEWCOMER):
        assert caller.identity
        outcome = resolvers.resolve(name, caller, args=args)
        refused = outcome.error is not None and outcome.error["type"] == "Unauthorized"
        assert refused != (caller.identity["username"] in ALLOWED[name]), caller


@pytest.mark.parametrize("name", sorted(BY_FIELD))
def test_an_identity_of_the_pool_for_photos_may_nothing(resolvers: Host, name: str) -> None:
    outcome = resolvers.resolve(name, FROM_THE_IDENTITY_POOL, source={"id": "1"})
    assert outcome.error
    assert outcome.error["type"] == "Unauthorized"
    assert outcome.requests == []


@pytest.mark.parametrize("caller", [PROGRAM, KEY])
@pytest.mark.parametrize("name", sorted(BY_FIELD))
def test_programs_and_the_key_may_everything(resolvers: Host, name: str, caller: Caller) -> None:
    keys = {"siteID": "s", "assignee": "tom", "workOrderID": "w"}
    args = {"input": {"id": "1", "owner": "tom"}, "id": "1", **keys}
    outcome = resolvers.resolve(name, caller, args=args, source={"id": "1", "siteID": "s"})
    assert outcome.error is None
