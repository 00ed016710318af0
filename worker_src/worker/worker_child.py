"""A worker process as the main process sees it."""

from __future__ import annotations

import socket
import subprocess  # nosec B404 - starts this same program
import sys
import time

FIRST_RESTART_SECONDS = 1.0
LONGEST_RESTART_SECONDS = 30.0
LONG_LIFE_SECONDS = 60.0


class WorkerChild:
    """Starts, watches and ends one worker process.

    `exit_status` is that of the last run: None before the first end, negative for a signal.
    """

    def __init__(self) -> None:
        self.restarts = 0
        self.exit_status: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._started_at = 0.0
        self._last_pulse = 0.0
        self._start_after = 0.0
        self._delay = FIRST_RESTART_SECONDS

    @property
    def is_running(self) -> bool:
        """Whether the process lives; notices its end."""
        if self._process is None:
            return False
        status = self._process.poll()
        if status is None:
            return True
        self._ended(status)
        return False

    @property
    def pid(self) -> int | None:
        """The process id while it lives."""
        return self._process.pid if self._process else None

    def may_start(self) -> bool:
        """Whether the pause after a crash is over."""
        return time.monotonic() >= self._start_after

    def start(self) -> None:
        """Start the process. Raises OSError when the machine cannot; a pause follows then too."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(  # nosec B603 - no shell, fixed arguments
                    [sys.executable, "-m", "worker", "--control", str(theirs.fileno())],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                )
        except OSError:
            ours.close()
            self._pause()
            raise
        ours.setblocking(False)
        self._control = ours
        self._started_at = self._last_pulse = time.monotonic()

    def look(self) -> None:
        """Take note of signs of life."""
        if self._control is None:
            return
        try:
            if self._control.recv(4096):
                self._last_pulse = time.monotonic()
        except BlockingIOError:
            pass
        except OSError:
            self._control.close()
            self._control = None

    def silent_seconds(self) -> float:
        """Seconds since the last sign of life."""
        return time.monotonic() - self._last_pulse

    def drain(self, seconds: float) -> None:
        """Ask the process to finish within so many seconds."""
        if self.is_running and self._control is not None:
            try:
                self._control.sendall(f"drain {seconds:.1f}".encode())
            except OSError:
                self.kill()

    def kill(self) -> None:
        """End the process at once; its messages return when their visibility timeouts end."""
        if self._process is not None and self.is_running:
            self._process.kill()
            self._ended(self._process.wait())

    def _ended(self, status: int) -> None:
        self._process = None
        self.exit_status = status
        self.restarts += 1
        if self._control is not None:
            self._control.close()
            self._control = None
        if time.monotonic() - self._started_at > LONG_LIFE_SECONDS:
            self._delay = FIRST_RESTART_SECONDS
        self._pause()

    def _pause(self) -> None:
        self._start_after = time.monotonic() + self._delay
        self._delay = min(LONGEST_RESTART_SECONDS, self._delay * 2)
