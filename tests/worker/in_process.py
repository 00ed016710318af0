"""A consumer in the test's own process, against the test's SQS: jobs are plain functions."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tests.worker.sqs_server import SqsServer
from worker.consumer import Consumer
from worker.deletes import Deletes
from worker.lease import LeaseKeeper
from worker.message import Message
from worker.metrics import Metrics
from worker.settings import Settings, read_settings
from worker.sqs import Sqs

LOGGER = logging.getLogger("worker.test")


class FunctionJob:
    """A job whose `run` is a function."""

    def __init__(self, run: Callable[[Message], None], key: str | None = None) -> None:
        self.run = run
        self._key = key

    def key(self, body: str) -> str | None:
        return self._key


def worker_settings(**values: object) -> Settings:
    """Settings as the environment would give them; names without the prefix, any case."""
    environment = {
        "WORKER_QUEUE_URL": "http://127.0.0.1/000000000000/work",
        "AWS_REGION": "eu-west-1",
        "WORKER_VISIBILITY_TIMEOUT_SECONDS": "30",
        "WORKER_WAIT_TIME_SECONDS": "1",
        **{f"WORKER_{name.upper()}": str(value) for name, value in values.items()},
    }
    return read_settings(environment)


class InProcess:
    """Use as a context manager; the end drains."""

    def __init__(
        self,
        server: SqsServer,
        sqs: Sqs,
        run: Callable[[Message], None],
        settings: Settings,
        logger: logging.Logger = LOGGER,
    ) -> None:
        self.server = server
        self.sqs = sqs
        self.metrics = Metrics()
        self.leases = LeaseKeeper(
            sqs,
            visibility_timeout=settings.visibility_timeout,
            max_extension=settings.max_extension,
            metrics=self.metrics,
            logger=logger,
        )
        self.deletes = Deletes(sqs, metrics=self.metrics, logger=logger)
        self.consumer = Consumer(
            sqs,
            FunctionJob(run),
            settings=settings,
            leases=self.leases,
            deletes=self.deletes,
            metrics=self.metrics,
            logger=logger,
        )
        self._drained: bool | None = None

    def __enter__(self) -> InProcess:
        self.consumer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drained is None:
            self.server.end_polls()
            self.drain()

    def drain(self, seconds: float = 5.0) -> bool:
        """Drain once; True when all was done in time."""
        self._drained = self.consumer.drain(seconds)
        return self._drained

    def counts(self) -> dict[str, float]:
        """The counters since the last look that are not zero."""
        values = self.metrics.take(api_calls=0)
        return {
            name: value
            for name, (value, unit) in values.items()
            if unit == "Count" and isinstance(value, int | float) and value
        }

    def finish(self, *, seconds: float = 10.0) -> None:
        """Wait until the queue is empty."""
        self.server.wait_until(lambda: self.server.left == 0, seconds=seconds)
