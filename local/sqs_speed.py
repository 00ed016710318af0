"""Standard queues on `MessageStore` in place of MiniStack's list, with what SQS says about edges.

Where the stock queue differs from the documentation, the documentation wins: an old receipt handle
deletes nothing and is no error, a message that somebody else received cannot be hidden, 120,000
messages in flight are the most
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html),
and a long poll whose client has gone takes nothing. FIFO queues stay as they are.
"""

from __future__ import annotations

import contextvars
import json
import time
from collections.abc import Callable
from typing import Any

from local.message_store import (
    LONGEST_VISIBILITY_SECONDS,
    BeyondLimitError,
    InvalidHandleError,
    Message,
    MessageStore,
    NotAvailableError,
)

MOST_IN_FLIGHT = 120_000
Queue = dict[str, Any]
Request = dict[str, Any]

# Whether the client of the request under way has hung up; set per request by `local.hang_up`.
hung_up: contextvars.ContextVar[Callable[[], bool]] = contextvars.ContextVar(
    "hung_up", default=lambda: False
)


def store_of(queue: Queue) -> MessageStore | None:
    """The store of a standard queue; None for a FIFO queue."""
    from ministack.services import sqs

    if queue["is_fifo"]:
        return None
    messages = queue["messages"]
    if not isinstance(messages, MessageStore):
        messages = MessageStore(messages, now=time.time(), complete=sqs._ensure_msg_fields)
        queue["messages"] = messages
    return messages


def register() -> None:
    """Replace the functions that walk the list, in the module and in its table of actions."""
    from ministack.services import sqs

    stock = {name: getattr(sqs, name) for name in REPLACED}
    for name, replacement in REPLACED.items():
        setattr(sqs, name, replacement(stock[name]))
    for action, function in list(sqs._HANDLERS.items()):
        if function.__name__ in REPLACED:
            sqs._HANDLERS[action] = getattr(sqs, function.__name__)


def _send(stock: Callable[..., Any]) -> Callable[..., Any]:
    def act_send_message(data: Request, url: str) -> Any:
        from ministack.services import sqs

        store_of(sqs._get_q(data.get("QueueUrl", url)))
        return stock(data, url)

    return act_send_message


def _receive(stock: Callable[..., Any]) -> Callable[..., Any]:
    async def act_receive_message(data: Request, url: str) -> Any:
        from ministack.services import sqs

        queue = sqs._get_q(data.get("QueueUrl", url), "sqs:ReceiveMessage")
        store = store_of(queue)
        if store is None:
            return await stock(data, url)
        wait = data.get("WaitTimeSeconds")
        if wait is None:
            wait = queue["attributes"].get("ReceiveMessageWaitTimeSeconds", "0")
        if int(wait) == 0 and store.counts(time.time())[1] >= MOST_IN_FLIGHT:
            raise sqs._Err("OverLimit", "Too many messages are in flight; delete some first.", 403)
        result = await stock(data, url)
        if not result:
            store.traffic.empty_receives += 1
        return result

    return act_receive_message


def _collect(stock: Callable[..., Any]) -> Callable[..., Any]:
    def collect_msgs(queue: Queue, limit: int, visibility: int) -> list[Message]:
        store = store_of(queue)
        if store is None:
            found: list[Message] = stock(queue, limit, visibility)
            return found
        if hung_up.get()():
            return []
        most, dead_letters = _redrive(queue)
        now = time.time()

        def exhausted(message: Message) -> None:
            _move(message, queue, dead_letters, now)

        return store.receive(
            limit,
            visibility=visibility,
            now=now,
            most_in_flight=MOST_IN_FLIGHT,
            most_receives=most,
            exhausted=exhausted,
        )

    return collect_msgs


def _redrive(queue: Queue) -> tuple[int | None, Queue]:
    """After how many receives a message is given up, and to which queue."""
    from ministack.services import sqs

    raw = queue["attributes"].get("RedrivePolicy")
    if not raw:
        return None, {}
    policy = json.loads(raw)
    target = sqs._queue_by_arn(policy["deadLetterTargetArn"])
    return (int(policy["maxReceiveCount"]), target) if target else (None, {})


def _move(message: Message, source: Queue, dead_letters: Queue, now: float) -> None:
    from ministack.core.concurrency import esm_wake

    origin = {"DeadLetterQueueSourceArn": source["attributes"].get("QueueArn", "")}
    store = store_of(dead_letters)
    if store is not None:
        store.take_dead_letter({**message, "sys": {**origin, **message["sys"]}}, now=now)
        esm_wake.set()


def _expire(stock: Callable[..., Any]) -> Callable[..., Any]:
    def expire_retained(queue: Queue) -> None:
        store = store_of(queue)
        if store is None:
            stock(queue)
            return
        store.expire(time.time() - int(queue["attributes"].get("MessageRetentionPeriod", 345_600)))

    return expire_retained


def _sweep(stock: Callable[..., Any]) -> Callable[..., Any]:
    def dlq_sweep(queue: Queue) -> None:
        if store_of(queue) is None:
            stock(queue)

    return dlq_sweep


def _refresh(stock: Callable[..., Any]) -> Callable[..., Any]:
    def refresh_counts(queue: Queue) -> None:
        from ministack.services import sqs

        store = store_of(queue)
        if store is None:
            stock(queue)
            return
        sqs._expire_retained(queue)
        visible, in_flight, delayed = store.counts(time.time())
        queue["attributes"].update(
            ApproximateNumberOfMessages=str(visible),
            ApproximateNumberOfMessagesNotVisible=str(in_flight),
            ApproximateNumberOfMessagesDelayed=str(delayed),
        )

    return refresh_counts


def _delete(stock: Callable[..., Any]) -> Callable[..., Any]:
    def act_delete_message(data: Request, url: str) -> Any:
        from ministack.services import sqs

        store = store_of(sqs._get_q(data.get("QueueUrl", url), "sqs:DeleteMessage"))
        if store is None or not data.get("ReceiptHandle"):
            return stock(data, url)
        _act(store, data, _delete_one)
        return {}

    return act_delete_message


def _delete_batch(stock: Callable[..., Any]) -> Callable[..., Any]:
    def act_delete_message_batch(data: Request, url: str) -> Any:
        from ministack.services import sqs

        store = store_of(sqs._get_q(data.get("QueueUrl", url), "sqs:DeleteMessage"))
        if store is None:
            return stock(data, url)
        return _act_on_batch(store, data, "DeleteMessageBatchRequestEntry", _delete_one)

    return act_delete_message_batch


def _hide(stock: Callable[..., Any]) -> Callable[..., Any]:
    def act_change_visibility(data: Request, url: str) -> Any:
        from ministack.services import sqs

        store = store_of(sqs._get_q(data.get("QueueUrl", url), "sqs:ChangeMessageVisibility"))
        if store is None:
            return stock(data, url)
        _act(store, data, _hide_one)
        return {}

    return act_change_visibility


def _hide_batch(stock: Callable[..., Any]) -> Callable[..., Any]:
    def act_change_visibility_batch(data: Request, url: str) -> Any:
        from ministack.services import sqs

        store = store_of(sqs._get_q(data.get("QueueUrl", url), "sqs:ChangeMessageVisibility"))
        if store is None:
            return stock(data, url)
        return _act_on_batch(store, data, "ChangeMessageVisibilityBatchRequestEntry", _hide_one)

    return act_change_visibility_batch


def _delete_for_functions(stock: Callable[..., Any]) -> Callable[..., Any]:
    def delete_messages_for_esm(url: str, handles: set[str]) -> None:
        from ministack.services import sqs

        store = store_of(sqs._get_q(url))
        if store is None:
            stock(url, handles)
            return
        for handle in handles:
            store.delete(handle)

    return delete_messages_for_esm


def _delete_one(store: MessageStore, entry: Request) -> None:
    store.delete(str(entry.get("ReceiptHandle", "")))


def _hide_one(store: MessageStore, entry: Request) -> None:
    from ministack.core.concurrency import esm_wake
    from ministack.services import sqs

    seconds = int(entry.get("VisibilityTimeout", 30))
    if not 0 <= seconds <= LONGEST_VISIBILITY_SECONDS:
        raise sqs._Err(
            "InvalidParameterValue",
            f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between "
            f"0 and {LONGEST_VISIBILITY_SECONDS}, if provided.",
        )
    store.change_visibility(str(entry.get("ReceiptHandle", "")), seconds, now=time.time())
    if seconds == 0:
        esm_wake.set()


def _act(
    store: MessageStore, entry: Request, action: Callable[[MessageStore, Request], None]
) -> None:
    """Do it, and turn what the store refuses into the errors that SQS answers with."""
    from ministack.services import sqs

    handle = entry.get("ReceiptHandle", "")
    try:
        action(store, entry)
    except InvalidHandleError:
        raise sqs._Err(
            "ReceiptHandleIsInvalid", f'The input receipt handle "{handle}" is not valid.'
        ) from None
    except NotAvailableError:
        raise sqs._Err(
            "InvalidParameterValue",
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not "
            "exist or is not available for visibility timeout change.",
        ) from None
    except BeyondLimitError:
        raise sqs._Err(
            "InvalidParameterValue",
            f"Value {entry.get('VisibilityTimeout')} for parameter VisibilityTimeout is invalid. "
            "Reason: Total VisibilityTimeout for the message is beyond the limit "
            f"[{LONGEST_VISIBILITY_SECONDS} seconds].",
        ) from None


def _act_on_batch(
    store: MessageStore,
    data: Request,
    kind: str,
    action: Callable[[MessageStore, Request], None],
) -> dict[str, list[dict[str, Any]]]:
    from ministack.services import sqs

    entries = data.get("Entries", [])
    sqs._validate_batch_entries(entries, kind)
    done, failed = [], []
    for entry in entries:
        try:
            _act(store, entry, action)
        except sqs._Err as error:
            failed.append(
                {
                    "Id": entry["Id"],
                    "Code": error.code,
                    "Message": error.message,
                    "SenderFault": True,
                }
            )
        else:
            done.append({"Id": entry["Id"]})
    return {"Successful": done, "Failed": failed}


REPLACED: dict[str, Callable[[Callable[..., Any]], Callable[..., Any]]] = {
    "_act_send_message": _send,
    "_act_receive_message": _receive,
    "_collect_msgs": _collect,
    "_expire_retained": _expire,
    "_dlq_sweep": _sweep,
    "_refresh_counts": _refresh,
    "_act_delete_message": _delete,
    "_act_delete_message_batch": _delete_batch,
    "_act_change_visibility": _hide,
    "_act_change_visibility_batch": _hide_batch,
    "_delete_messages_for_esm": _delete_for_functions,
}
