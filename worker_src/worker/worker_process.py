"""One worker process: opens the job and the queue, consumes until told to drain.

The main process holds the other end of a socket pair. It writes `drain <seconds>` when the instance
has to go; when it disappears, the socket closes, which means the same. The worker writes a byte as
long as it lives, which is what the main process takes for health.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping

from worker.aws import AwsError
from worker.aws_config import AwsConfig
from worker.consumer import Consumer
from worker.deletes import Deletes
from worker.doors import AwsDoor
from worker.idempotency import with_ledger
from worker.job_progress import with_progress
from worker.lease import LeaseKeeper
from worker.logs import set_up_logs, write_line
from worker.message import Job
from worker.metrics import Metrics, emf_line
from worker.settings import Settings, SettingsError, read_settings
from worker.sqs import Sqs

EXIT_DRAINED = 0
EXIT_CUT_SHORT = 3
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h
PULSE_SECONDS = 1.0


def run_worker(environ: Mapping[str, str], control: socket.socket) -> int:
    """Consume until the drain; returns the exit status.

    `control` is the connection to the main process. Problems with settings or with opening the job
    are logged with their remedy and end the process with EXIT_CONFIGURATION.
    """
    logger = set_up_logs()
    try:
        settings = read_settings(environ)
        door = AwsDoor(AwsConfig(region=settings.region), logger=logger)
        job = open_job(settings, environ, door, logger)
        sqs = door.sqs(
            queue_url=settings.queue_url,
            visibility_timeout=settings.visibility_timeout,
            wait_time=settings.wait_time,
        )
    except (SettingsError, AwsError) as error:
        logger.error("worker cannot start", extra={"problems": str(error).split("\n")})
        return EXIT_CONFIGURATION
    except Exception:
        logger.exception("worker cannot start")
        return EXIT_CONFIGURATION
    return _Process(settings, sqs, job, control, logger).run()


def open_job(
    settings: Settings, environ: Mapping[str, str], door: AwsDoor, logger: logging.Logger
) -> Job:
    """Import the job's module and open it. Raises SettingsError that says what is missing."""
    try:
        module = importlib.import_module(settings.job)
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"WORKER_JOB={settings.job!r}: {error}; set it to a module under worker.jobs"
        ) from error
    opener = getattr(module, "open_job", None)
    if opener is None:
        raise SettingsError(f"WORKER_JOB={settings.job!r}: the module has no function open_job")
    try:
        job: Job = opener(environ, aws=door)
    except (KeyError, ValueError) as error:
        reason = f"{error} is not set" if isinstance(error, KeyError) else str(error)
        raise SettingsError(f"job {settings.job}: {reason}") from error
    job = with_ledger(job, settings=settings, door=door, logger=logger)
    return with_progress(job, settings=settings, door=door, logger=logger)


class _Process:
    def __init__(
        self,
        settings: Settings,
        sqs: Sqs,
        job: Job,
        control: socket.socket,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._sqs = sqs
        self._control = control
        self._logger = logger
        self._metrics = Metrics()
        self._drain = threading.Event()
        self._drain_seconds = settings.drain_seconds
        self._calls_reported = 0
        leases = LeaseKeeper(
            sqs,
            visibility_timeout=settings.visibility_timeout,
            max_extension=settings.max_extension,
            metrics=self._metrics,
            logger=logger,
        )
        deletes = Deletes(sqs, metrics=self._metrics, logger=logger)
        self._consumer = Consumer(
            sqs,
            job,
            settings=settings,
            leases=leases,
            deletes=deletes,
            metrics=self._metrics,
            logger=logger,
        )

    def run(self) -> int:
        signal.signal(signal.SIGTERM, lambda *_: self._drain.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=self._listen, name="control", daemon=True).start()
        self._consumer.start()
        self._logger.info("worker started", extra={"job": self._settings.job})
        next_report = time.monotonic() + self._settings.metrics_interval
        self._beat()
        while not self._drain.wait(PULSE_SECONDS):
            self._beat()
            if time.monotonic() >= next_report:
                next_report += self._settings.metrics_interval
                self._report()
        begun = time.monotonic()
        in_time = self._consumer.drain(self._drain_seconds)
        self._report()
        self._logger.info(
            "worker drained" if in_time else "worker could not finish in time",
            extra={"seconds": round(time.monotonic() - begun, 3)},
        )
        return EXIT_DRAINED if in_time else EXIT_CUT_SHORT

    def _beat(self) -> None:
        """Tell the main process that threads make progress: polls come back, or jobs run."""
        silent = time.monotonic() - self._consumer.last_sign_of_life
        if silent > self._settings.wait_time + self._settings.health_timeout and (
            not self._consumer.busy
        ):
            return
        try:
            self._control.sendall(b".")
        except OSError:
            self._drain.set()

    def _listen(self) -> None:
        try:
            words = self._control.recv(64).decode("ascii").split()
        except OSError:
            words = []
        if len(words) == 2 and words[0] == "drain":
            self._drain_seconds = float(words[1])
        self._drain.set()

    def _report(self) -> None:
        calls = self._sqs.calls
        values = self._metrics.take(api_calls=calls - self._calls_reported)
        self._calls_reported = calls
        write_line(
            emf_line(
                namespace=self._settings.metrics_namespace,
                group=self._settings.group,
                values=values,
                pid=os.getpid(),
            )
        )
