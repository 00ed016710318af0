"""Warm pings, and how cold is told from warm. Pitfall 13 is about the pings."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.keep_warm import HOLD_MS, PREINITIALIZED_SECONDS, hold_of, keep_warm, ping
from tests.lambdas.copies import Function

CONTEXT = SimpleNamespace(
    aws_request_id="id",
    invoked_function_arn="arn:aws:lambda:eu-west-1:000000000000:function:name:live",
)
PROBE = """
from edge.keep_warm import keep_warm
@keep_warm
def handler(event, context):
    return {"handled": event}
"""


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def echo(event: Any, context: Any) -> Any:
    return {"handled": event}


def test_a_ping_is_answered_before_the_handler_runs(capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[object] = []
    handler = keep_warm(lambda event, context: ran.append(event))
    answer = handler(ping(number=1, of=1, hold_ms=0), CONTEXT)
    (line,) = lines(capsys)
    assert ran == []
    assert answer == {"groundwork": {"warm": {"copy": line["copy"], "cold": True}}}
    assert line["event"] == "warm ping" and line["WarmPing"] == 1
    assert line["WarmPingColdStart"] == 1 and "ColdStart" not in line


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        [],
        "groundwork",
        {"groundwork": {}},
        {"groundwork": {"warm": {}}},
        {"groundwork": {"warm": True}},
        {"groundwork": {"warm": {"ping": 1, "of": 1}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": "75"}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": 75.0}}},
        {"groundwork": {"warm": {"ping": True, "of": 1, "hold_ms": 75}}},
        {"groundwork": {"warm": {"ping": 0, "of": 1, "hold_ms": 75}}},
        {"groundwork": {"warm": {"ping": 3, "of": 2, "hold_ms": 75}}},
        {"groundwork": {"warm": {"ping": 1, "of": 101, "hold_ms": 75}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": -1}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": 900_000}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": 75, "key": "a"}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": 75}, "cold": {}}},
        {"groundwork": {"warm": {"ping": 1, "of": 1, "hold_ms": 75}}, "documents": []},
        {"version": "2.0", "body": '{"groundwork":{"warm":{"ping":1,"of":1,"hold_ms":75}}}'},
    ],
)
def test_a_payload_that_merely_looks_like_a_ping_reaches_the_handler(event: object) -> None:
    assert keep_warm(echo)(event, CONTEXT) == {"handled": event}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-2, 200) | st.text(max_size=8),
        lambda inner: st.dictionaries(
            st.sampled_from(["groundwork", "warm", "ping", "of", "hold_ms", "key"]), inner
        ),
        max_leaves=8,
    )
)
def test_only_what_ping_makes_is_a_ping(event: Any) -> None:
    hold = hold_of(event)
    if hold is not None:
        warm = event["groundwork"]["warm"]
        assert event == ping(number=warm["ping"], of=warm["of"], hold_ms=hold)


@pytest.mark.parametrize(("number", "of", "hold"), [(0, 1, 5), (2, 1, 5), (1, 101, 5), (1, 1, -1)])
def test_a_ping_that_no_function_would_answer_is_refused(number: int, of: int, hold: int) -> None:
    with pytest.raises(ValueError, match="choose 1 <= ping <= of"):
        ping(number=number, of=of, hold_ms=hold)


def test_a_ping_holds_its_copy_and_prepares_it_meanwhile() -> None:
    prepared: list[float] = []
    handler = keep_warm(echo, prepare=lambda: prepared.append(time.monotonic()))
    started = time.monotonic()
    handler(ping(number=1, of=2, hold_ms=60), CONTEXT)
    assert time.monotonic() - started >= 0.06
    assert len(prepared) == 1 and prepared[0] - started < 0.06
    handler({"a": 1}, CONTEXT)
    assert len(prepared) == 1
    assert HOLD_MS >= 75


def test_every_invocation_says_whether_it_was_cold(capsys: pytest.CaptureFixture[str]) -> None:
    handler = keep_warm(echo)
    handler({"a": 1}, CONTEXT)
    handler({"a": 2}, CONTEXT)
    first, second = lines(capsys)
    assert (first["ColdStart"], second["ColdStart"]) == (1, 0)
    assert (first["invocation"], second["invocation"]) == (1, 2)
    assert first["copy"] == second["copy"] and len(first["copy"]) == 16
    assert first["InitDuration"] > 0 and "InitDuration" not in second
    assert first["qualifier"] == "live" and first["initializationType"] == "on-demand"


def test_the_line_is_in_the_embedded_metric_format(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "jobs")
    keep_warm(echo)({}, CONTEXT)
    (line,) = lines(capsys)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert abs(line["_aws"]["Timestamp"] / 1000 - time.time()) < 60
    assert directive["Namespace"] == "Groundwork/Functions"
    assert directive["Dimensions"] == [["FunctionName"]] and line["FunctionName"] == "jobs"
    for metric in directive["Metrics"]:
        assert isinstance(line[metric["Name"]], int | float)
        assert metric["Unit"] in ("Count", "Milliseconds")
    assert {m["Name"] for m in directive["Metrics"]} == {"ColdStart", "InitDuration"}


@pytest.mark.parametrize(
    ("kind", "cold", "has_init"),
    [("on-demand", 1, True), ("provisioned-concurrency", 0, True), ("snap-start", 1, False)],
)
def test_what_counts_as_cold_follows_from_how_the_copy_came_up(
    kind: str,
    cold: int,
    has_init: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", kind)
    handler = keep_warm(echo)
    handler({}, CONTEXT)
    handler({}, CONTEXT)
    first, second = lines(capsys)
    assert first["initializationType"] == kind and first["ColdStart"] == cold
    assert ("InitDuration" in first) is has_init
    assert second["ColdStart"] == 0


def test_nobody_waited_for_a_copy_that_was_initialised_ahead(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = keep_warm(echo)
    now = time.monotonic()
    monkeypatch.setattr(
        "edge.keep_warm.time.monotonic", lambda: now + PREINITIALIZED_SECONDS + 1, raising=True
    )
    handler({}, CONTEXT)
    assert lines(capsys)[0]["ColdStart"] == 0


def test_copies_restored_from_one_snapshot_have_ids_of_their_own() -> None:
    """Pitfall 16: what is drawn before the snapshot is the same in every copy."""
    handler = keep_warm(echo)
    ids = []
    for _ in range(2):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                answer = handler(ping(number=1, of=1, hold_ms=0), CONTEXT)
                os.write(write, answer["groundwork"]["warm"]["copy"].encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        ids.append(os.read(read, 100))
        os.close(read)
        os.close(write)
    assert ids[0] and ids[0] != ids[1]


def test_an_invocation_without_a_context_of_lambda_still_works() -> None:
    assert keep_warm(echo)({"a": 1}, None) == {"handled": {"a": 1}}


def test_parallel_pings_hold_as_many_copies_and_requests_are_warm_afterwards(
    tmp_path: Path,
) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    with Function("probe.handler", str(tmp_path)) as function:
        pings = [ping(number=n, of=3, hold_ms=1500) for n in (1, 2, 3)]
        answers = function.invoke_together(pings)
        copies = {answer["groundwork"]["warm"]["copy"] for answer in answers}
        assert len(copies) == 3 and len(function.copies) == 3
        function.invoke_together([{"n": 1}, {"n": 2}, {"n": 3}])
        requests = [line for line in function.log if line["event"] == "invocation"]
        assert [line["ColdStart"] for line in requests] == [0, 0, 0]
        assert {line["copy"] for line in requests} <= copies
        assert {line["qualifier"] for line in function.log} == {"live"}


def test_without_pings_the_first_request_is_cold(tmp_path: Path) -> None:
    (tmp_path / "probe.py").write_text(PROBE)
    with Function("probe.handler", str(tmp_path)) as function:
        function.invoke({"n": 1})
        function.invoke({"n": 2})
        assert [line["ColdStart"] for line in function.log] == [1, 0]
        assert function.log[0]["InitDuration"] > 0
