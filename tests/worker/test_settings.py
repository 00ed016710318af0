"""Settings come from the environment; every problem is named at once with its remedy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.settings import SettingsError, read_settings

GOOD = {"WORKER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q", "AWS_REGION": "eu-west-1"}

NUMBERS = {
    "WORKER_PROCESSES_PER_VCPU": (0.01, 16),
    "WORKER_VCPUS": (1, 1024),
    "WORKER_THREADS": (1, 256),
    "WORKER_WAIT_TIME_SECONDS": (0, 20),
    "WORKER_DRAIN_SECONDS": (1, 7200),
    "WORKER_BACKOFF_BASE_SECONDS": (0, 900),
    "WORKER_BACKOFF_CAP_SECONDS": (0, 43_200),
    "WORKER_MAX_RECEIVE_COUNT": (1, 1000),
    "WORKER_METRICS_INTERVAL_SECONDS": (0.1, 3600),
    "WORKER_HEALTH_TIMEOUT_SECONDS": (1, 43_200),
}


def problems(**changes: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings({**GOOD, **changes})
    return str(caught.value).split("\n")


def test_two_variables_are_enough() -> None:
    settings = read_settings(GOOD)
    assert settings.queue_url == GOOD["WORKER_QUEUE_URL"]
    assert settings.job == "worker.jobs.prepare_document"
    assert settings.processes >= 1


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"WORKER_THREADS": "many", "WORKER_WAIT_TIME_SECONDS": "21"})
    lines = str(caught.value).split("\n")
    assert [line.split("=")[0].split(" ")[0] for line in lines] == [
        "WORKER_QUEUE_URL",
        "WORKER_THREADS",
        "WORKER_WAIT_TIME_SECONDS",
        "AWS_REGION",
    ]
    assert all("set " in line for line in lines)


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_name_variable_value_and_range(name: str) -> None:
    low, high = NUMBERS[name]
    for value in ("", f"{low:g}", f"{high:g}"):
        read_settings({**GOOD, name: value})
    for value in ("x", "nan", "inf", "-1", f"{high * 2 + 1:g}"):
        (line,) = problems(**{name: value})
        assert line.startswith(f"{name}={value!r}: set ")
        assert f"from {low:g} to {high:g}" in line


def test_whole_numbers_are_whole() -> None:
    (line,) = problems(WORKER_THREADS="1.5")
    assert "a whole number" in line


@pytest.mark.parametrize("url", ["queue", "sqs.eu-west-1.amazonaws.com/1/q", "arn:aws:sqs:::q"])
def test_a_queue_url_is_a_url(url: str) -> None:
    (line,) = problems(WORKER_QUEUE_URL=url)
    assert url in line and "GetQueueUrl" in line


def test_an_extension_is_no_shorter_than_the_visibility_timeout() -> None:
    (line,) = problems(WORKER_VISIBILITY_TIMEOUT_SECONDS="100", WORKER_MAX_EXTENSION_SECONDS="50")
    assert "WORKER_MAX_EXTENSION_SECONDS=50" in line and "raise the first" in line


@given(st.integers(1, 64), st.floats(0.01, 16))
def test_at_least_one_process(vcpus: int, per_vcpu: float) -> None:
    settings = read_settings(
        {**GOOD, "WORKER_VCPUS": str(vcpus), "WORKER_PROCESSES_PER_VCPU": str(per_vcpu)}
    )
    assert 1 <= settings.processes <= vcpus * 16
    assert abs(settings.processes - max(1, vcpus * per_vcpu)) <= 0.5


def test_the_region_may_come_from_either_variable() -> None:
    assert (
        read_settings(
            {"WORKER_QUEUE_URL": "https://q", "AWS_DEFAULT_REGION": "eu-central-1"}
        ).region
        == "eu-central-1"
    )
