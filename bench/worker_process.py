"""A client's processes as the kernel sees them: processor time and memory of the whole tree.

https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 10.0


class ClientProcess:
    """Starts a client and watches its process tree; nothing is left behind."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str]) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process lives
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __enter__(self) -> ClientProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        # The session too: a wrapper (the Node of the wheel is started by one) may end before what
        # it started, which would poll on for ever.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    @property
    def ended(self) -> bool:
        """Whether the client's first process is gone."""
        return self._process.poll() is not None

    def tree(self) -> list[int]:
        """Process ids: the first process and all its descendants."""
        found = [self._process.pid]
        for pid in found:
            found.extend(_children(pid))
        return found

    def processor_seconds(self) -> float:
        """User and system time so far, of children that have ended as well."""
        return sum(_processor_seconds(pid) for pid in self.tree())

    def peak_megabytes(self) -> float:
        """The largest resident set that any of the processes has had, in MB (1,000,000 bytes)."""
        return max(_peak_bytes(pid) for pid in self.tree()) / 1e6

    def said(self, *, characters: int = 1500) -> str:
        """The end of what the client wrote."""
        size = os.fstat(self._log.fileno()).st_size
        start = max(0, size - characters)
        return os.pread(self._log.fileno(), characters, start).decode(errors="replace").strip()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found.extend(int(number) for number in task.read_text().split())
        except OSError:
            continue
    return found


def _processor_seconds(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # The second field, the name, may hold spaces; utime, stime, cutime, cstime are 14 to 17.
    fields = text.rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / TICKS


def _peak_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
