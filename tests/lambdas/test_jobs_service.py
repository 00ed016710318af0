"""Jobs on a real table and a real queue of the embedded AWS."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from edge.errors import AwsError
from edge.http_api import Problem
from jobs.requests import Submission
from jobs.service import Jobs
from jobs.store import Job, Table
from tests.lambdas.local_aws import LocalAws

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")
Before = Callable[[str, dict[str, Any]], None]


class World:
    """A table, a queue, and the service between them with a door that tests can hold."""

    def __init__(self, local: LocalAws) -> None:
        self.local = local
        self.aws = local.aws()
        self.table = local.make_table()
        self.queue = local.make_queue()
        self.now = time.time()
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.before: Before = lambda operation, params: None
        self.after: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda _, answer: answer
        self.jobs = Jobs(
            self.call,
            table=self.table,
            queue_url=self.queue,
            keep_seconds=3600,
            clock=lambda: self.now,
            sleep=lambda _: None,
        )

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        self.calls.append((service, operation, params))
        self.before(operation, params)
        if params.get("Entries") == []:  # a test has taken all entries out
            return self.after(operation, {})
        return self.after(operation, self.aws.call(service, operation, **params))

    def submit(self, count: int, *, key: str | None = None, caller: str = "me") -> dict[str, Any]:
        documents = [{"key": f"incoming/{n}.pdf"} for n in range(count)]
        return self.jobs.submit(
            Submission(documents), caller=caller, idempotency_key=key, seconds_left=20
        )

    def count(self, operation: str) -> int:
        return sum(name == operation for _, name, _ in self.calls)

    def finish(self, message: dict[str, Any], outcome: str, reason: str | None = None) -> None:
        """Write what the worker writes; jobs/__init__.py describes it."""
        item = {
            "job": {"S": message["job"]},
            "document": {"S": message["document"]},
            "outcome": {"S": outcome},
            "key": {"S": message["key"]},
            "finished": {"S": "2026-11-24T00:00:00Z"},
            "expires_at": {"N": str(message["expires"])},
            **({"reason": {"S": reason}} if reason else {}),
        }
        self.aws.call("dynamodb", "PutItem", TableName=self.table, Item=item)


@pytest.fixture
def world(local_aws: LocalAws) -> World:
    return World(local_aws)


def problem(world: World, count: int, **options: Any) -> Problem:
    with pytest.raises(Problem) as raised:
        world.submit(count, **options)
    return raised.value


def test_documents_arrive_in_batches_of_ten_with_what_the_worker_needs(world: World) -> None:
    answer = world.submit(23)
    assert (answer["total"], answer["queued"], answer["rejected"]) == (23, 23, [])
    batches = [p["Entries"] for _, name, p in world.calls if name == "SendMessageBatch"]
    assert [len(batch) for batch in batches] == [10, 10, 3]
    messages = [json.loads(body) for body in world.local.drain(world.queue)]
    assert sorted(message["document"] for message in messages) == [f"{n:06d}" for n in range(23)]
    assert messages[0].keys() == {"job", "document", "expires", "key"}
    assert {message["job"] for message in messages} == {answer["job"]}
    assert all(message["expires"] > answer["expires"] for message in messages)


def test_bucket_and_version_travel_with_the_document(world: World) -> None:
    documents = [{"key": "a", "bucket": "docs", "versionId": "7"}]
    world.jobs.submit(Submission(documents), caller="", idempotency_key=None, seconds_left=20)
    (body,) = world.local.drain(world.queue)
    message = json.loads(body)
    assert (message["key"], message["bucket"], message["versionId"]) == ("a", "docs", "7")


def test_a_repeated_request_gives_the_same_answer_and_sends_nothing(world: World) -> None:
    first = world.submit(12, key="k")
    sent = world.count("SendMessageBatch")
    world.now += 100
    assert world.submit(12, key="k") == first
    assert world.count("SendMessageBatch") == sent
    assert len(world.local.drain(world.queue)) == 12


def test_the_same_key_with_other_documents_is_a_conflict(world: World) -> None:
    world.submit(2, key="k")
    conflict = problem(world, 3, key="k")
    assert conflict.status == 409 and "send a new key" in conflict.detail


def test_keys_of_two_callers_do_not_meet(world: World) -> None:
    assert (
        world.submit(1, key="k", caller="a")["job"] != world.submit(1, key="k", caller="b")["job"]
    )
    assert (
        world.submit(1, key="bk", caller="a")["job"] != world.submit(1, key="k", caller="ab")["job"]
    )


def test_requests_without_a_key_are_jobs_of_their_own(world: World) -> None:
    assert world.submit(1)["job"] != world.submit(1)["job"]


def test_entries_that_fail_in_passing_are_sent_again(world: World) -> None:
    refusals = iter([{"3", "7"}, {"7"}])

    def lose(operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch":
            lost = next(refusals, set())
            failing.extend(e for e in params["Entries"] if e["Id"] in lost)
            params["Entries"][:] = [e for e in params["Entries"] if e["Id"] not in lost]

    def report(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
        failed = [{"Id": e["Id"], "Code": "InternalError", "SenderFault": False} for e in failing]
        failing.clear()
        return {**answer, "Failed": failed} if failed else answer

    failing: list[dict[str, Any]] = []
    world.before, world.after = lose, report
    answer = world.submit(10)
    assert answer["queued"] == 10 and answer["rejected"] == []
    assert world.count("SendMessageBatch") == 3
    assert len(world.local.drain(world.queue)) == 10


def test_entries_that_cannot_be_sent_are_reported_with_their_document(world: World) -> None:
    def refuse(operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch":
            params["Entries"][:] = [e for e in params["Entries"] if e["Id"] not in {"1", "2"}]

    def report(operation: str, answer: dict[str, Any]) -> dict[str, Any]:
        if operation != "SendMessageBatch":
            return answer
        failed = [
            {"Id": "1", "Code": "InvalidMessageContents", "Message": "bad", "SenderFault": True}
        ]
        return {**answer, "Failed": failed}  # and no word about entry 2

    world.before, world.after = refuse, report
    answer = world.submit(5, key="k")
    assert answer["queued"] == 3
    assert answer["rejected"] == [
        {"index": 1, "key": "incoming/1.pdf", "reason": "InvalidMessageContents: bad"},
        {"index": 2, "key": "incoming/2.pdf", "reason": "NotAnswered"},
    ]
    assert world.submit(5, key="k") == answer
    progress = world.jobs.progress(answer["job"])
    assert [entry["index"] for entry in progress["rejected"]] == [1, 2]


def test_a_queue_that_goes_away_between_rounds_loses_no_count(world: World) -> None:
    def lose(operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch":
            if world.count(operation) > 1:
                raise AwsError("ServiceUnavailable", 503, "down", True)
            del params["Entries"][4]

    world.before = lose
    answer = world.submit(10, key="k")
    assert (answer["queued"], [e["index"] for e in answer["rejected"]]) == (9, [4])
    assert len(world.local.drain(world.queue)) == 9


def fail_after(world: World, batches: int) -> None:
    """The queue goes away after some batches."""

    def fail(operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch" and world.count(operation) > batches:
            raise AwsError("ServiceUnavailable", 503, "down", True)

    world.before = fail


def test_an_interrupted_submission_continues_where_it_stopped(world: World) -> None:
    fail_after(world, 2)
    stopped = problem(world, 35, key="k")
    assert stopped.status == 503 and "20 of 35 documents are queued" in stopped.detail
    assert stopped.headers["retry-after"]
    world.before = lambda operation, params: None
    answer = world.submit(35, key="k")
    assert answer["queued"] == 35
    bodies = [json.loads(body)["document"] for body in world.local.drain(world.queue)]
    assert sorted(bodies) == [f"{n:06d}" for n in range(35)]


def test_without_a_key_the_rest_is_reported_per_document(world: World) -> None:
    fail_after(world, 1)
    answer = world.submit(12)
    assert answer["queued"] == 10
    assert [entry["index"] for entry in answer["rejected"]] == [10, 11]
    assert "ServiceUnavailable" in answer["rejected"][0]["reason"]


def test_when_nothing_could_be_sent_the_caller_is_told_to_repeat(world: World) -> None:
    fail_after(world, 0)
    assert problem(world, 3).status == 503
    assert problem(world, 3, key="k").status == 503


def test_a_copy_that_died_is_succeeded_after_its_lease(world: World) -> None:
    def die(operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch" and world.count(operation) == 12:
            raise KeyboardInterrupt

    world.before = die
    with pytest.raises(KeyboardInterrupt):
        world.submit(130, key="k")
    world.before = lambda operation, params: None
    assert problem(world, 130, key="k").status == 409
    world.now += 25
    assert world.submit(130, key="k")["queued"] == 130
    sent = [json.loads(body)["document"] for body in world.local.drain(world.queue)]
    assert len(set(sent)) == 130
    assert len(sent) == 140  # noted after a hundred; the ten behind that went out twice


def test_of_two_successors_one_submits(world: World) -> None:
    table = Table(world.call, name=world.table)
    job = Job(id="j", fingerprint="f", total=1, now=world.now, keep=60)
    table.create(job, lease_seconds=1, now=world.now - 10)
    one, other = table.read("j"), table.read("j")
    assert one is not None and other is not None
    assert table.take_over(one, lease_seconds=5, now=world.now)
    assert not table.take_over(other, lease_seconds=5, now=world.now)


def test_a_write_whose_answer_was_lost_is_recognised_as_our_own(world: World) -> None:
    def twice(operation: str, params: dict[str, Any]) -> None:
        if operation == "PutItem" and "attribute_not_exists" in params["ConditionExpression"]:
            world.aws.call("dynamodb", "PutItem", **params)

    world.before = twice
    assert world.submit(3, key="k")["queued"] == 3


def test_a_submission_ends_in_time_to_say_how_far_it_came(world: World) -> None:
    def slow(operation: str, params: dict[str, Any]) -> None:
        if operation == "SendMessageBatch":
            world.now += 6

    world.before = slow
    stopped = problem(world, 100, key="k")
    assert stopped.status == 503 and "30 of 100" in stopped.detail
    assert "time is used up" in stopped.detail


def test_progress_counts_what_the_workers_wrote(world: World) -> None:
    job = world.submit(4)["job"]
    assert world.jobs.progress(job)["status"] == "running"
    messages = sorted(
        (json.loads(body) for body in world.local.drain(world.queue)), key=lambda m: m["document"]
    )
    world.finish(messages[0], "done")
    world.finish(messages[0], "done")  # delivered twice
    world.finish(messages[1], "rejected", "unreadable PDF")
    progress = world.jobs.progress(job)
    assert (progress["total"], progress["queued"], progress["done"]) == (4, 4, 1)
    assert progress["rejected"] == [
        {"index": 1, "key": "incoming/1.pdf", "reason": "unreadable PDF"}
    ]
    assert progress["status"] == "running"
    world.finish(messages[2], "done")
    world.finish(messages[3], "done")
    assert world.jobs.progress(job)["status"] == "finished"


def test_the_progress_of_a_large_job_is_read_page_by_page(world: World) -> None:
    table = Table(world.call, name=world.table)
    job = Job(id="large", fingerprint="f", total=6, now=world.now, keep=60)
    table.create(job, lease_seconds=1, now=world.now)
    for n in range(6):
        world.finish(
            {
                "job": "large",
                "document": f"{n:06d}",
                "key": "k" * 300_000,
                "expires": job.expires_of_documents,
            },
            "done",
        )
    assert world.jobs.progress("large")["done"] == 6
    assert world.count("Query") > 1


def test_a_key_may_be_used_again_after_its_job_expired(world: World) -> None:
    first = world.submit(1, key="k")["job"]
    (old,) = (json.loads(body) for body in world.local.drain(world.queue))
    world.finish(old, "done")
    world.now += 3601 + 60
    assert world.submit(1, key="k")["job"] == first
    assert world.jobs.progress(first)["done"] == 0
    (new,) = (json.loads(body) for body in world.local.drain(world.queue))
    world.finish(new, "done")
    assert world.jobs.progress(first)["status"] == "finished"


def test_an_unknown_or_expired_job_is_not_found(world: World) -> None:
    job = world.submit(1)["job"]
    for id_, later in (("nobody", 0), (job, 3700)):
        world.now += later
        with pytest.raises(Problem) as raised:
            world.jobs.progress(id_)
        assert raised.value.status == 404


def test_every_call_is_valid_by_the_service_models(world: World) -> None:
    fail_after(world, 11)
    problem(world, 120, key="k")
    world.before = lambda operation, params: None
    world.submit(120, key="k")
    world.jobs.progress(world.submit(1)["job"])
    seen = set()
    for service, operation, params in world.calls:
        model = botocore.session.get_session().get_service_model(service)
        shape = model.operation_model(operation).input_shape
        assert ParamValidator().validate(params, shape).generate_report() == ""
        seen.add(operation)
    assert seen == {"PutItem", "GetItem", "Query", "SendMessageBatch"}
    wrong = ParamValidator().validate({"Tabel": "t"}, shape).generate_report()
    assert "Unknown parameter" in wrong
