"""Runs the worker as systemd does: its main process, with the environment of an instance."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


def worker_environment(*, queue_url: str, endpoint: str, **settings: object) -> dict[str, str]:
    """A clean environment: settings are WORKER_ variables, or AWS_ ones if they start so."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "WORKER_")) and not name.lower().endswith("_proxy")
    }
    environment.update(
        {
            "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "worker_src"), str(REPOSITORY))),
            "PYTHONFAULTHANDLER": "1",
            "WORKER_QUEUE_URL": queue_url,
            "WORKER_JOB": "worker.jobs.noop",
            "WORKER_VCPUS": "1",
            "WORKER_WAIT_TIME_SECONDS": "1",
            "WORKER_DRAIN_SECONDS": "10",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    )
    for name, value in settings.items():
        upper = name.upper()
        key = upper if upper.startswith("AWS_") else f"WORKER_{upper}"
        if value is None:
            environment.pop(key, None)
        else:
            environment[key] = str(value)
    return environment


class WorkerTree:
    """One instance's processes. Use as a context manager: nothing is left behind."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "worker"],
            env=environment,
            cwd=REPOSITORY,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> WorkerTree:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        self._log.close()

    def children(self) -> list[int]:
        """Process ids of the worker processes."""
        pid = self.process.pid
        try:
            text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:
            return []
        return [int(number) for number in text.split()]

    def terminate(self, *, seconds: float = 15.0) -> int:
        """Send SIGTERM to the main process, as systemd does, and wait."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds=seconds)

    def wait(self, *, seconds: float = 15.0) -> int:
        """Wait for the end; returns the exit status."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Kill the whole tree at once, as the death of the instance does."""
        pids = [self.process.pid, *self.children()]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def lines(self) -> list[dict[str, Any]]:
        """What was logged so far; lines that are not JSON appear under `text`."""
        self._log.flush()
        content = os.pread(self._log.fileno(), 100_000_000, 0).decode(errors="replace")
        return [_parsed(line) for line in content.splitlines() if line.strip()]

    def events(self) -> list[str]:
        """The events that were logged so far."""
        return [line["event"] for line in self.lines() if "event" in line]

    def total(self, metric: str) -> float:
        """The sum of a metric over all lines in the embedded metric format."""
        return sum(float(line.get(metric, 0)) for line in self.lines() if "_aws" in line)

    def wait_for(self, event: str, *, seconds: float = 10.0) -> None:
        """Wait until an event was logged."""
        end = time.monotonic() + seconds
        while event not in self.events():
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{event!r} was not logged; log: {self.lines()}")
            time.sleep(0.02)


def _parsed(line: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except ValueError:
        return {"text": line}
    return content if isinstance(content, dict) else {"text": line}
