"""The queue's store: the same as MiniStack's list, faster, and true to SQS at the edges."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local import sqs_speed
from local.message_store import (
    BeyondLimitError,
    InvalidHandleError,
    MessageStore,
    NotAvailableError,
    Traffic,
)
from local.queue_metrics import sample

ARN = "arn:aws:sqs:us-east-1:000000000000:"


def store(*bodies: str, now: float = 0.0) -> MessageStore:
    made = MessageStore(now=now)
    for body in bodies:
        made.append(message(body, at=now))
    return made


def message(body: str, *, at: float = 0.0, delay: float = 0.0) -> dict[str, Any]:
    return {
        "body": body,
        "sent_at": at,
        "visible_at": at + delay,
        "receive_count": 0,
        "receipt_handle": None,
        "first_receive_at": None,
    }


def handle(queue: MessageStore, *, now: float = 0.0, visibility: float = 30) -> str:
    (received,) = queue.receive(1, visibility=visibility, now=now)
    return str(received["receipt_handle"])


def test_an_old_receipt_handle_deletes_nothing_and_is_no_error() -> None:
    queue = store("a")
    old = handle(queue, now=0)
    new = handle(queue, now=31)
    queue.delete(old)
    assert len(queue) == 1
    queue.delete(new)
    queue.delete(new)
    assert len(queue) == 0
    assert queue.traffic.deleted == 1


@pytest.mark.parametrize("made_up", ["", "x", "GW0-", "GW5-" + "0" * 32])
def test_a_handle_that_was_never_given_out_is_refused(made_up: str) -> None:
    queue = store("a")
    with pytest.raises(InvalidHandleError):
        queue.delete(made_up)
    with pytest.raises(InvalidHandleError):
        queue.change_visibility(made_up, 5, now=0)


def test_a_message_that_somebody_else_received_cannot_be_hidden() -> None:
    queue = store("a")
    old = handle(queue, now=0)
    handle(queue, now=31)
    with pytest.raises(NotAvailableError):
        queue.change_visibility(old, 60, now=32)
    assert queue.receive(1, visibility=30, now=61)


def test_hiding_a_message_that_is_visible_again_does_nothing() -> None:
    queue = store("a")
    held = handle(queue, now=0)
    queue.change_visibility(held, 60, now=31)
    assert queue.counts(31) == (1, 0, 0)


def test_twelve_hours_after_the_receive_no_extension_is_left() -> None:
    queue = store("a")
    held = handle(queue, now=0, visibility=100)
    queue.change_visibility(held, 43_150, now=50)
    with pytest.raises(BeyondLimitError):
        queue.change_visibility(held, 43_151, now=50)


def test_nothing_is_given_out_beyond_the_limit_of_messages_in_flight() -> None:
    queue = store(*"abcde")
    assert len(queue.receive(10, visibility=30, now=0, most_in_flight=3)) == 3
    assert queue.receive(10, visibility=30, now=1, most_in_flight=3) == []
    assert len(queue.receive(10, visibility=30, now=31, most_in_flight=3)) == 3


def test_the_oldest_message_is_not_a_poisoned_one_while_there_is_other_work() -> None:
    queue = store("poison", now=0)
    queue.append(message("fresh", at=100))
    assert queue.oldest() == 0
    for moment in (100, 101, 102):
        poisoned = queue.receive(1, visibility=0, now=moment)
        assert [each["body"] for each in poisoned] == ["poison"]
    assert queue.oldest() == 100


def test_retention_counts_from_the_send_and_leaves_nothing_behind() -> None:
    queue = store(*"abc", now=0)
    queue.append(message("d", at=50))
    held = handle(queue, now=10)
    queue.expire(49)
    assert [each["body"] for each in queue] == ["d"]
    queue.delete(held)
    assert queue.counts(60) == (1, 0, 0)


def test_a_period_is_sampled_from_the_queue_and_its_traffic() -> None:
    queue = store("1234", "5678", "90", now=0)
    queue.append(message("late", at=0, delay=900))
    before = Traffic(sent=2, sent_bytes=8)
    queue.delete(handle(queue, now=10))
    handle(queue, now=10)
    values = sample(queue, before=before, now=20, aws_time=lambda wall: wall * 10)
    assert values == {
        "ApproximateNumberOfMessagesVisible": 1,
        "ApproximateNumberOfMessagesNotVisible": 1,
        "ApproximateNumberOfMessagesDelayed": 1,
        "ApproximateAgeOfOldestMessage": 200,
        "NumberOfMessagesSent": 2,
        "NumberOfMessagesReceived": 2,
        "NumberOfMessagesDeleted": 1,
        "NumberOfEmptyReceives": 0,
        "SentMessageSize": 3,
    }


def test_an_empty_queue_has_no_age() -> None:
    assert "ApproximateAgeOfOldestMessage" not in sample(store(), before=Traffic(), now=5)


def test_a_receive_and_delete_costs_the_same_in_front_of_any_backlog() -> None:
    def seconds(backlog: int) -> float:
        queue = store(*map(str, range(backlog)))
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            for _ in range(200):
                for received in queue.receive(10, visibility=30, now=1):
                    queue.delete(received["receipt_handle"])
            best = min(best, time.process_time() - start)
        return best

    assert seconds(100_000) < 10 * seconds(11_000)


# Equality with MiniStack's own list


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


def _copy_of_sqs() -> ModuleType:
    import ministack.services.sqs as original

    assert original.__file__ is not None
    spec = importlib.util.spec_from_file_location("stock_sqs", original.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def sides(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[ModuleType, ModuleType, Clock]]:
    """MiniStack's SQS as it is, and the one with our store; both on one clock."""
    import ministack.services.sqs as ours
    from ministack.core import responses

    responses.set_request_account_id(ARN.split(":")[4])
    responses.set_request_region(ARN.split(":")[3])
    clock = Clock()
    stock = _copy_of_sqs()
    for module in (stock, ours):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(sqs_speed, "time", clock)
    for name in sqs_speed.REPLACED:
        monkeypatch.setattr(ours, name, getattr(ours, name))
    actions = dict(ours._HANDLERS)
    sqs_speed.register()
    yield stock, ours, clock
    ours._HANDLERS.update(actions)


class Side:
    """A queue with dead letters behind one of the two implementations."""

    def __init__(self, sqs: ModuleType) -> None:
        self.sqs = sqs
        sqs._queues.clear()
        sqs._queue_name_to_url.clear()
        self.ask("CreateQueue", QueueName="dead")
        redrive = json.dumps({"deadLetterTargetArn": f"{ARN}dead", "maxReceiveCount": 3})
        attributes = {"RedrivePolicy": redrive, "MessageRetentionPeriod": "300"}
        self.ask("CreateQueue", QueueName="work", Attributes=attributes)
        self.held: dict[str, str] = {}

    def ask(self, action: str, **request: Any) -> dict[str, Any]:
        queue = request.pop("queue", "work")
        url = f"http://localhost:4566/000000000000/{queue}"
        return dict(asyncio.run(self.sqs._dispatch(action, {"QueueUrl": url, **request}, url)))

    def dead(self) -> set[str]:
        return {each["body"] for each in self.sqs._get_q("dead")["messages"]}

    def send(self, body: str, delay: int) -> Any:
        answer = self.ask("SendMessage", MessageBody=body, DelaySeconds=delay)
        return answer["MD5OfMessageBody"]

    def receive(self, limit: int, visibility: int) -> Any:
        answer = self.ask(
            "ReceiveMessage",
            MaxNumberOfMessages=limit,
            VisibilityTimeout=visibility,
            WaitTimeSeconds=0,
            AttributeNames=["All"],
        )
        found = answer.get("Messages", [])
        self.held |= {each["Body"]: each["ReceiptHandle"] for each in found}
        for body in self.dead():
            self.held.pop(body, None)
        return [(each["Body"], each["Attributes"]) for each in found]

    def delete(self, body: str) -> Any:
        entry = {"Id": "0", "ReceiptHandle": self.held.pop(body)}
        answer = self.ask("DeleteMessageBatch", Entries=[entry])
        return answer["Successful"], [each["Code"] for each in answer["Failed"]]

    def hide(self, body: str, seconds: int) -> Any:
        entry = {"Id": "0", "ReceiptHandle": self.held[body], "VisibilityTimeout": seconds}
        return self.ask("ChangeMessageVisibilityBatch", Entries=[entry])

    def in_flight(self, body: str) -> bool:
        return any(
            each["visible_at"] > self.sqs.time.time()
            for each in self.sqs._get_q("work")["messages"]
            if each["body"] == body
        )

    def there(self, body: str) -> bool:
        return any(each["body"] == body for each in self.sqs._get_q("work")["messages"])

    def attributes(self) -> list[dict[str, str]]:
        counts = []
        for queue in ("work", "dead"):
            found = self.ask("GetQueueAttributes", queue=queue, AttributeNames=["All"])
            counts.append(
                {
                    name: value
                    for name, value in found["Attributes"].items()
                    if name.startswith("Approximate")
                }
            )
        return counts


STEPS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from([0, 0, 0, 20])),
    st.tuples(st.just("receive"), st.integers(1, 10), st.sampled_from([0, 10, 30])),
    st.tuples(st.just("delete"), st.integers(0, 9)),
    st.tuples(st.just("hide"), st.integers(0, 9), st.sampled_from([0, 5, 60])),
    st.tuples(st.just("pass"), st.sampled_from([1, 11, 31, 200])),
)


@given(steps=st.lists(STEPS, min_size=5, max_size=40))
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_what_the_list_answers_the_store_answers(
    sides: tuple[ModuleType, ModuleType, Clock], steps: list[tuple[Any, ...]]
) -> None:
    stock_sqs, our_sqs, clock = sides
    stock, ours = Side(stock_sqs), Side(our_sqs)
    for number, (kind, *values) in enumerate(steps):
        if kind == "pass":
            clock.now += values[0]
        elif kind == "send":
            assert stock.send(f"m{number}", values[0]) == ours.send(f"m{number}", values[0])
        elif kind == "receive":
            assert stock.receive(*values) == ours.receive(*values)
        elif values[0] < len(stock.held):
            body = list(stock.held)[values[0]]
            if kind == "delete" and stock.there(body):
                assert stock.delete(body) == ours.delete(body)
            if kind == "hide" and stock.in_flight(body):
                assert stock.hide(body, values[1]) == ours.hide(body, values[1])
        assert stock.attributes() == ours.attributes()
        assert stock.dead() == ours.dead()


def test_a_fifo_queue_stays_as_it_is(sides: tuple[ModuleType, ModuleType, Clock]) -> None:
    ours = Side(sides[1])
    ours.ask("CreateQueue", QueueName="order.fifo", Attributes={"FifoQueue": "true"})
    for body in ("first", "second"):
        ours.ask(
            "SendMessage",
            queue="order.fifo",
            MessageBody=body,
            MessageGroupId="g",
            MessageDeduplicationId=body,
        )
    received = ours.ask("ReceiveMessage", queue="order.fifo", MaxNumberOfMessages=10)
    assert [each["Body"] for each in received["Messages"]] == ["first", "second"]
    for each in received["Messages"]:
        ours.ask("DeleteMessage", queue="order.fifo", ReceiptHandle=each["ReceiptHandle"])
    assert len(ours.sqs._get_q("order.fifo")["messages"]) == 0


def test_a_client_that_hung_up_is_given_nothing(
    sides: tuple[ModuleType, ModuleType, Clock],
) -> None:
    ours = Side(sides[1])
    ours.send("a", 0)
    token = sqs_speed.hung_up.set(lambda: True)
    assert ours.receive(10, 30) == []
    sqs_speed.hung_up.reset(token)
    assert len(ours.receive(10, 30)) == 1


def test_too_many_messages_in_flight_are_an_error_for_a_short_poll_only(
    sides: tuple[ModuleType, ModuleType, Clock], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Side(sides[1])
    monkeypatch.setattr(sqs_speed, "MOST_IN_FLIGHT", 2)
    for body in "abc":
        ours.send(body, 0)
    assert len(ours.receive(10, 30)) == 2
    with pytest.raises(sides[1]._Err) as refused:
        ours.receive(10, 30)
    assert refused.value.code == "OverLimit"
