"""Run a program as systemd runs a service: start, restart, stop in order, leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from local.fleet.systemd_unit import Unit

EXIT_CANNOT_EXECUTE = 203  # what systemd reports when ExecStart does not run


class ServiceProcess:
    """One service. `report` is told what happens: ("started", pid), ("exited", status).

    The program gets a session of its own, so that its whole tree can be ended together, as a
    control group is. `stop` follows KillMode: `mixed` and `process` send the kill signal to the
    main process, `control-group` to all; after TimeoutStopSec what is left gets SIGKILL (not with
    `process`). A main process that ends takes its tree with it.
    """

    def __init__(
        self,
        unit: Unit,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        output: Path,
        report: Callable[[str, int], None],
    ) -> None:
        self._unit = unit
        self._command = list(command)
        self._environment = dict(environment)
        self._directory = directory
        self._output = output
        self._report = report
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._starting = threading.Lock()

    def run(self) -> None:
        """Run until the service has ended for good."""
        while not self._stopping.is_set():
            status = self._run_once()
            self._report("exited", status)
            if self._stopping.is_set() or not self._unit.restarts_after(status):
                return
            self._stopping.wait(self._unit.restart_seconds)

    def _run_once(self) -> int:
        try:
            with self._starting, self._output.open("ab") as output:
                if self._stopping.is_set():
                    return 0
                self._process = subprocess.Popen(
                    self._command,
                    env=self._environment,
                    cwd=self._directory,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
        except OSError as error:
            with self._output.open("a") as output_text:
                output_text.write(f"cannot execute {self._command[0]}: {error}\n")
            return EXIT_CANNOT_EXECUTE
        self._report("started", self._process.pid)
        status = self._process.wait()
        if self._unit.kill_mode in ("mixed", "control-group"):
            self._signal_tree(signal.SIGKILL)
        return status

    def stop(self) -> None:
        """End the service in order; returns when it has ended. To be called beside `run`."""
        with self._starting:
            self._stopping.set()
            process = self._process
        if process is None or process.poll() is not None:
            return
        if self._unit.kill_mode == "control-group":
            self._signal_tree(self._unit.kill_signal)
        elif self._unit.kill_mode != "none":
            process.send_signal(self._unit.kill_signal)
        deadline = time.monotonic() + self._unit.stop_seconds
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is None and self._unit.kill_mode != "none":
            process.kill()
        if self._unit.kill_mode in ("mixed", "control-group"):
            self._signal_tree(signal.SIGKILL)

    def kill(self) -> None:
        """End everything at once, as when the power goes."""
        with self._starting:
            self._stopping.set()
        self._signal_tree(signal.SIGKILL)

    def _signal_tree(self, number: int) -> None:
        if self._process is not None:
            signal_tree(self._process.pid, number)


def signal_tree(leader: int, number: int) -> None:
    """Send a signal to the process group of `leader`; nothing happens when none is left."""
    try:
        os.killpg(leader, number)
    except (ProcessLookupError, PermissionError):
        return
