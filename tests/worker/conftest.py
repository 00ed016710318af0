"""Every test here sees an environment without AWS settings of the machine it runs on."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.worker.in_process import InProcess, worker_settings
from tests.worker.sqs_server import SqsServer
from worker.aws_config import AwsConfig
from worker.doors import AwsDoor
from worker.message import Message
from worker.sqs import FastSqs

LOGGER = logging.getLogger("worker.test")

# A machine under load is slow, not wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("AWS_", "WORKER_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def server() -> Iterator[SqsServer]:
    with SqsServer() as running:
        yield running


@pytest.fixture
def door() -> AwsDoor:
    return AwsDoor(AwsConfig(region="eu-west-1"), logger=LOGGER)


@pytest.fixture
def open_sqs(
    door: AwsDoor, server: SqsServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., FastSqs]:
    """A client of the test's server; retries do not sleep."""

    def open_it(*, visibility_timeout: int = 30, wait_time: int = 0) -> FastSqs:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setattr("worker.signed_http.delay_before_retry", lambda _: 0.001)
        sqs = door.sqs(
            queue_url=server.queue_url, visibility_timeout=visibility_timeout, wait_time=wait_time
        )
        assert isinstance(sqs, FastSqs)
        return sqs

    return open_it


@pytest.fixture
def consume(
    server: SqsServer,
    open_sqs: Callable[..., FastSqs],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[..., InProcess]]:
    """A consumer of the test's server that runs a function; drained at the end of the test."""
    monkeypatch.setattr("worker.consumer.FIRST_PAUSE_SECONDS", 0.1)
    with contextlib.ExitStack() as stack:

        def start(run: Callable[[Message], None], **values: object) -> InProcess:
            settings = worker_settings(**values)
            sqs = open_sqs(
                visibility_timeout=settings.visibility_timeout, wait_time=settings.wait_time
            )
            return stack.enter_context(InProcess(server, sqs, run, settings))

        yield start
