"""What the worker writes: CloudWatch's embedded metric format and JSON logs, line by line."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.logs import ROOT, JsonFormatter, LineHandler, Repeated, set_up_logs, write_line
from worker.metrics import COUNTERS, MOST_VALUES, Metrics, emf_line

UNITS = {"Count", "Milliseconds", "Seconds", "None"}


def check_emf(document: dict[str, Any]) -> None:
    """The rules of the embedded metric format's specification and schema.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    meta = document["_aws"]
    assert abs(meta["Timestamp"] / 1000 - time.time()) < 3600
    assert isinstance(meta["Timestamp"], int)
    for directive in meta["CloudWatchMetrics"]:
        assert set(directive) <= {"Namespace", "Dimensions", "Metrics"}
        assert 1 <= len(directive["Namespace"]) <= 255
        assert len(directive["Metrics"]) <= 100
        for dimension_set in directive["Dimensions"]:
            assert len(dimension_set) <= 30
            for name in dimension_set:
                assert isinstance(document[name], str) and document[name]
        for metric in directive["Metrics"]:
            assert set(metric) <= {"Name", "Unit", "StorageResolution"}
            assert metric["Unit"] in UNITS
            value = document[metric["Name"]]
            values = value if isinstance(value, list) else [value]
            assert 1 <= len(values) <= 100
            assert all(isinstance(number, int | float) for number in values)


@pytest.mark.parametrize("group", ["fleet", ""])
@pytest.mark.parametrize("messages", [0, 1, 50, 5000])
def test_a_report_is_a_valid_line_of_the_embedded_metric_format(group: str, messages: int) -> None:
    metrics = Metrics()
    for number in range(messages):
        metrics.processed(1, number / 1000)
    metrics.count("LeaseLost", 3)
    line = emf_line(namespace="A/B", group=group, values=metrics.take(api_calls=7), pid=1)
    assert "\n" not in line
    document = json.loads(line)
    check_emf(document)
    assert document["MessagesProcessed"] == messages
    assert (document["LeaseLost"], document["ApiCalls"], document["pid"]) == (3, 7, 1)
    assert set(COUNTERS) <= set(document)
    assert ("ProcessingTime" in document) is (messages > 0)
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [
        ["AutoScalingGroupName"] if group else []
    ]


def test_counting_starts_anew_with_each_report() -> None:
    metrics = Metrics()
    metrics.processed(10, 0.5)
    assert metrics.take(api_calls=0)["MessagesProcessed"] == (10, "Count")
    values = metrics.take(api_calls=0)
    assert values["MessagesProcessed"] == (0, "Count")
    assert "ProcessingTime" not in values


def test_times_are_a_sample_of_the_whole_interval() -> None:
    metrics = Metrics()
    for number in range(10_000):
        metrics.processed(1, number / 1000)
    times, unit = metrics.take(api_calls=0)["ProcessingTime"]
    assert isinstance(times, list)
    assert (len(times), unit) == (MOST_VALUES, "Milliseconds")
    assert 3000 < sum(times) / len(times) < 7000


def test_counts_from_several_threads_add_up() -> None:
    metrics = Metrics()

    def work() -> None:
        for _ in range(2000):
            metrics.count("MessagesFailed")
            metrics.processed(2, 0.0)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = metrics.take(api_calls=0)
    assert values["MessagesFailed"] == (8000, "Count")
    assert values["MessagesProcessed"] == (16_000, "Count")


# --- logs -----------------------------------------------------------------------------------------


class Strange:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


def record(message: str = "event", **fields: Any) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": ROOT, "msg": message, "levelname": "INFO"})
    vars(made).update(fields)
    return made


@given(
    st.text(max_size=60),
    st.dictionaries(
        st.text(min_size=1, max_size=10).map(lambda name: f"x_{name}"),
        st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.binary(max_size=9),
        max_size=4,
    ),
)
def test_a_record_is_one_line_of_json(message: str, fields: dict[str, Any]) -> None:
    line = JsonFormatter().format(record(message.replace("%", ""), **fields))
    assert "\n" not in line
    document = json.loads(line)
    assert document["event"] == message.replace("%", "")
    assert {"time", "level", "event", "pid"} <= set(document)
    for name, value in fields.items():
        assert document[name] == (str(value) if isinstance(value, bytes) else value)


def test_a_traceback_is_a_field() -> None:
    try:
        raise ValueError("what\nhappened")
    except ValueError as error:
        made = record(exc_info=(type(error), error, error.__traceback__))
    document = json.loads(JsonFormatter().format(made))
    assert "what\nhappened" in document["traceback"]


def test_times_are_in_utc_with_milliseconds() -> None:
    made = record(created=1_700_000_000.25, msecs=250.0)
    assert json.loads(JsonFormatter().format(made))["time"] == "2023-11-14T22:13:20.250Z"


def logger_to_stdout() -> logging.Logger:
    logger = logging.Logger(ROOT)
    handler = LineHandler()
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    return logger


def test_what_cannot_be_formatted_is_still_logged(
    capfd: pytest.CaptureFixture[str],
) -> None:
    circle: dict[str, Any] = {}
    circle["circle"] = circle
    logger = logger_to_stdout()
    logger.warning("strange", extra={"field": Strange()})
    logger.warning("circle", extra={"field": circle})
    logger.warning("wrong %d", "arguments")
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["strange", "circle", "wrong %d"]
    assert all(line["level"] == "WARNING" and "unprintable" in line for line in lines)


def test_lines_of_several_threads_do_not_mix(
    capfd: pytest.CaptureFixture[str],
) -> None:
    logger = logger_to_stdout()
    threads = [
        threading.Thread(target=lambda: [logger.warning("x" * 3000) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) == 200
    assert all(json.loads(line)["event"] == "x" * 3000 for line in lines)


def test_a_reader_that_is_gone_does_not_stop_the_work() -> None:
    read, write = os.pipe()
    saved = os.dup(1)
    os.dup2(write, 1)
    os.close(write)
    os.close(read)
    try:
        write_line("metrics")
        logger_to_stdout().warning("log")
    finally:
        os.dup2(saved, 1)
        os.close(saved)


def test_libraries_log_from_warnings_up_and_the_worker_from_information(
    capfd: pytest.CaptureFixture[str],
) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.raiseExceptions
    try:
        logger = set_up_logs()
        logger.info("ours")
        logging.getLogger("botocore.credentials").info("theirs")
        logging.getLogger("botocore.credentials").warning("their warning")
    finally:
        root.handlers[:], root.level, logging.raiseExceptions = before
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["ours", "their warning"]
    assert lines[1]["logger"] == "botocore.credentials"


def test_a_problem_that_repeats_is_logged_once_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    repeated = Repeated(logging.getLogger("worker.test"), every_seconds=0.2)
    for _ in range(5):
        repeated.warn("no answer", about="Timeout", code="Timeout")
    repeated.warn("no answer", about="Other", code="Other")
    time.sleep(0.25)
    repeated.warn("no answer", about="Timeout", code="Timeout")
    assert [getattr(r, "repeated", 0) for r in caplog.records] == [0, 0, 4]
