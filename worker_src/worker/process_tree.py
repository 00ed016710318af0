"""The instance's main process: starts the workers, watches over them, ends them in order.

SIGTERM, a spot notice and the group's scale-in all mean the same: workers drain, the lifecycle hook
is completed, the process ends with status 0, which tells systemd not to start it again.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Mapping

from worker.departure_watch import DepartureWatch
from worker.lifecycle import Lifecycle
from worker.logs import set_up_logs, write_line
from worker.metadata import Departure, open_metadata
from worker.metrics import emf_line
from worker.settings import Settings, SettingsError, read_settings
from worker.worker_child import WorkerChild

EXIT_CONFIGURATION = 78
LOOK_EVERY_SECONDS = 0.2
# From the end of the workers' drain to SIGKILL, and from there to the end that EC2 announced.
KILL_AFTER_SECONDS = 2.0
SPOT_MARGIN_SECONDS = 10.0


def run_instance(environ: Mapping[str, str]) -> int:
    """Run until the instance has to go; returns the exit status."""
    logger = set_up_logs()
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        logger.error("worker cannot start", extra={"problems": str(error).split("\n")})
        return EXIT_CONFIGURATION
    watch = DepartureWatch(open_metadata(environ), logger=logger)
    lifecycle = Lifecycle(
        group=settings.group,
        hook=settings.lifecycle_hook,
        instance_id=watch.instance_id,
        region=settings.region,
        logger=logger,
    )
    return ProcessTree(settings, watch=watch, lifecycle=lifecycle, logger=logger).run()


class ProcessTree:
    """Workers of one instance."""

    def __init__(
        self,
        settings: Settings,
        *,
        watch: DepartureWatch,
        lifecycle: Lifecycle,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._watch = watch
        self._lifecycle = lifecycle
        self._logger = logger
        self._signalled = False
        self._reported_unhealthy = False
        self._children: list[WorkerChild] = []

    def run(self) -> int:
        """Start the workers, restart those that die, and drain when the time has come."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._children = [WorkerChild() for _ in range(self._settings.processes)]
        self._logger.info(
            "instance started",
            extra={"processes": len(self._children), "threads": self._settings.threads},
        )
        self._watch.start()
        departure = None
        try:
            while departure is None:
                for child in self._children:
                    child.look()
                if any(child.exit_status == EXIT_CONFIGURATION for child in self._children):
                    self._stop_all(self._settings.drain_seconds)
                    return EXIT_CONFIGURATION
                self._restart_dead()
                self._replace_stuck()
                time.sleep(LOOK_EVERY_SECONDS)
                departure = Departure("SIGTERM") if self._signalled else self._watch.announced
            self._leave(departure)
        finally:
            self._watch.stop()
            for child in self._children:
                child.kill()
        return 0

    def _on_signal(self, *_: object) -> None:
        self._signalled = True

    def _restart_dead(self) -> None:
        for child in self._children:
            if child.is_running or not child.may_start():
                continue
            if child.exit_status is not None:
                self._logger.error(
                    "a worker process ended and is started again",
                    extra={"exit_status": child.exit_status, "restarts": child.restarts},
                )
            try:
                child.start()
            except OSError as error:
                self._logger.error(
                    "a worker process could not be started; trying again",
                    extra={"error": str(error)},
                )

    def _replace_stuck(self) -> None:
        for child in self._children:
            if child.is_running and child.silent_seconds() > self._settings.health_timeout:
                self._logger.error(
                    "a worker process shows no sign of life and is killed",
                    extra={"worker_pid": child.pid, "silent_seconds": child.silent_seconds()},
                )
                child.kill()
                if not self._reported_unhealthy:
                    # In a thread: a call that hangs must not keep this process from draining.
                    threading.Thread(target=self._report_unhealthy, daemon=True).start()

    def _report_unhealthy(self) -> None:
        self._reported_unhealthy = self._lifecycle.report_unhealthy()

    def _leave(self, departure: Departure) -> None:
        begun = time.monotonic()
        seconds = self._settings.drain_seconds
        if departure.seconds_left is not None:
            seconds = max(1.0, min(seconds, departure.seconds_left - SPOT_MARGIN_SECONDS))
        self._logger.info(
            "draining", extra={"reason": departure.reason, "longest_seconds": round(seconds, 1)}
        )
        in_time = False
        try:
            in_time = self._stop_all(seconds)
        finally:
            self._report(time.monotonic() - begun, in_time)
            if departure.reason != "SIGTERM" or self._watch.is_leaving_group():
                self._complete_hook(begun + (departure.seconds_left or 0.0))

    def _complete_hook(self, until: float) -> None:
        """Complete the hook, again when the group begins its wait after the drain is over.

        After a spot notice the group ends the instance in its own time: with capacity rebalancing,
        once a replacement is in service
        (https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-capacity-rebalancing.html).
        """
        if not self._settings.lifecycle_hook or self._lifecycle.complete():
            return
        while time.monotonic() < until and not self._signalled:
            if self._watch.is_leaving_group():
                self._lifecycle.complete()
                return
            time.sleep(LOOK_EVERY_SECONDS)

    def _stop_all(self, seconds: float) -> bool:
        """Drain all workers; True when none had to be cut short."""
        children = [child for child in self._children if child.is_running]
        for child in children:
            child.drain(seconds)
        deadline = time.monotonic() + seconds + KILL_AFTER_SECONDS
        while any(child.is_running for child in children) and time.monotonic() < deadline:
            time.sleep(0.02)
        in_time = not any(child.is_running or child.exit_status for child in children)
        for child in children:
            child.kill()
        return in_time

    def _report(self, seconds: float, in_time: bool) -> None:
        self._logger.info(
            "drained" if in_time else "the drain timed out: messages will be seen again",
            extra={"seconds": round(seconds, 3)},
        )
        write_line(
            emf_line(
                namespace=self._settings.metrics_namespace,
                group=self._settings.group,
                values={
                    "DrainSeconds": (round(seconds, 3), "Seconds"),
                    "DrainTimedOut": (0 if in_time else 1, "Count"),
                },
                pid=os.getpid(),
            )
        )
