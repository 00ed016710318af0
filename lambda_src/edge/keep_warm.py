"""Wraps a handler: answers warm pings, and says of every invocation whether it was cold.

    @keep_warm
    def handle(event, context): ...

A warm ping is the constant payload that a scheduled rule sends to the function's alias,

    {"groundwork": {"warm": {"ping": 1, "of": 3, "hold_ms": 100}}}

and nothing else: the payload has exactly these keys and whole numbers in their ranges, so a payload
of the function's own that merely looks similar reaches the handler. The ping is answered before the
handler runs. `of` pings are sent at the same moment; each one holds its copy of the function for
`hold_ms`, so Lambda cannot give it a second ping meanwhile and needs `of` copies: a copy serves one
invocation at a time.
https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html

A ping must reach the version that the traffic reaches, which is why the line that it logs carries
the qualifier it was invoked by.
"""

from __future__ import annotations

import os
import time

from edge import json_log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Handler = Callable[[Any, Any], Any]

NAMESPACE = "Groundwork/Functions"
HOLD_MS = 100
LONGEST_HOLD_MS = 10_000
MOST_COPIES = 100
PREINITIALIZED_SECONDS = 10.0
"""Lambda sometimes initialises a copy ahead of need. Nobody waits for an initialisation that ended
this long before the first invocation.
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html#troubleshooting-invocation-initialization-gap"""

ON_DEMAND = "on-demand"
SNAP_START = "snap-start"


def ping(*, number: int, of: int, hold_ms: int = HOLD_MS) -> dict[str, Any]:
    """The payload of one of `of` parallel pings. ValueError names a number out of range."""
    event = {"groundwork": {"warm": {"ping": number, "of": of, "hold_ms": hold_ms}}}
    if hold_of(event) is None:
        raise ValueError(
            f"ping {number} of {of} holding {hold_ms} ms: choose 1 <= ping <= of <= {MOST_COPIES} "
            f"and 0 <= hold_ms <= {LONGEST_HOLD_MS}"
        )
    return event


def hold_of(event: object) -> int | None:
    """How many milliseconds a warm ping asks to be held; None for every other payload."""
    warm = _only(_only(event, "groundwork"), "warm")
    if not isinstance(warm, dict) or warm.keys() != {"ping", "of", "hold_ms"}:
        return None
    number, of, hold = warm["ping"], warm["of"], warm["hold_ms"]
    if not (type(number) is type(of) is type(hold) is int):
        return None
    if not (1 <= number <= of <= MOST_COPIES and 0 <= hold <= LONGEST_HOLD_MS):
        return None
    return hold


class Copy:
    """This copy of the function: Lambda calls it an execution environment.

    The id is drawn at the first invocation, not while the function initialises, because all copies
    that SnapStart restores share what was drawn before the snapshot.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """

    def __init__(self) -> None:
        self.id = ""
        self.invocations = 0
        self.initialized_at = time.monotonic()
        self.initialization_ms = _milliseconds_since_start()
        self.kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", ON_DEMAND)

    def count(self) -> bool:
        """Count an invocation; True when its caller had to wait for this copy to come up."""
        self.invocations += 1
        if self.invocations > 1:
            return False
        self.id = os.urandom(8).hex()
        if self.kind == SNAP_START:
            return True
        waited = time.monotonic() - self.initialized_at < PREINITIALIZED_SECONDS
        return self.kind == ON_DEMAND and waited


def keep_warm(handle: Handler, *, prepare: Callable[[], object] | None = None) -> Handler:
    """Wrap a handler. `prepare` runs at every ping, before the hold, and must have no side effect:
    it makes what the first request would otherwise wait for (a TLS context, a lazy import).
    """
    copy = Copy()

    def handler(event: Any, context: Any) -> Any:
        started = time.monotonic()
        hold = hold_of(event)
        cold = copy.count()
        _report(copy, context, cold=cold, warm_ping=hold is not None)
        if hold is None:
            return handle(event, context)
        if prepare is not None:
            prepare()
        time.sleep(max(0.0, hold / 1000 - (time.monotonic() - started)))
        return {"groundwork": {"warm": {"copy": copy.id, "cold": cold}}}

    handler.__doc__ = handle.__doc__
    return handler


def _report(copy: Copy, context: Any, *, cold: bool, warm_ping: bool) -> None:
    """The line that tells cold from warm: the average of ColdStart is the share of cold requests.

    InitDuration runs from the start of the process, which the kernel knows to 10 ms, to the moment
    the handler was wrapped. A SnapStart copy was initialised when its version was published, so it
    has none.
    """
    metrics: dict[str, tuple[float, str]] = {}
    if warm_ping:
        metrics["WarmPing"] = (1, "Count")
        metrics["WarmPingColdStart"] = (int(cold), "Count")
    else:
        metrics["ColdStart"] = (int(cold), "Count")
    if copy.invocations == 1 and copy.kind != SNAP_START:
        metrics["InitDuration"] = (copy.initialization_ms, "Milliseconds")
    json_log.write_metrics(
        "warm ping" if warm_ping else "invocation",
        namespace=NAMESPACE,
        dimensions={"FunctionName": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "local")},
        metrics=metrics,
        copy=copy.id,
        invocation=copy.invocations,
        initializationType=copy.kind,
        qualifier=_qualifier(context),
        version=os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", ""),
        requestId=getattr(context, "aws_request_id", ""),
    )


def _only(value: object, key: str) -> object:
    return value[key] if isinstance(value, dict) and value.keys() == {key} else None


def _qualifier(context: Any) -> str:
    """The alias or version by which the function was invoked; `$LATEST` without either.

    arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]
    """
    parts = str(getattr(context, "invoked_function_arn", None) or "").split(":")
    return parts[7] if len(parts) > 7 else "$LATEST"


def _milliseconds_since_start() -> float:
    try:
        with open("/proc/self/stat", "rb") as file:  # noqa: PTH123 - pathlib costs more than this
            ticks = int(file.read().rpartition(b")")[2].split()[19])
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        return round(max(0.0, (now - ticks / os.sysconf("SC_CLK_TCK")) * 1000), 1)
    except (OSError, ValueError, IndexError, AttributeError):
        return round(time.process_time() * 1000, 1)
