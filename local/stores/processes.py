"""Servers that play a store: started on first use, on loopback, gone with the engine.

`python -m local.stores.processes FOLDER COMMAND` runs a server until standard input ends, then ends
it and removes its folder. The other end of the pipe is the engine's, so this happens however the
engine ends; nothing has to be found and cleaned up by the next one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

HOST = "127.0.0.1"
START_SECONDS = 30.0
END_SECONDS = 5.0


class ServerError(RuntimeError):
    """A server did not start; the message has the end of its log."""


class Server:
    """One server process with a folder of its own."""

    def __init__(self, name: str, folder: Path, user: int | None) -> None:
        self.name = name
        self.folder = folder
        self._user = user
        self._tether: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.folder / "log"

    def own_copy(self, root: Path, *parts: str) -> Path:
        """The parts that a folder has, where the server's user may read them: the new folder.

        That user is not root, and may not go where root's programs often are: below /root, or in a
        temporary folder.
        """
        if self._user is None:
            return root
        copy = self.folder / "programs"
        for part in filter(lambda each: (root / each).exists(), parts):
            shutil.copytree(root / part, copy / part, symlinks=True)
        for each in (copy, *copy.rglob("*")):
            os.chown(each, self._user, -1, follow_symlinks=False)
        return copy

    def start(
        self,
        command: Sequence[str | Path],
        *,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start, and wait until it is ready. Raises ServerError."""
        with self.log.open("ab+") as log:  # open until the end: the folder goes with the process
            self._tether = subprocess.Popen(
                [
                    *(sys.executable, "-m", "local.stores.processes"),
                    *(str(self.folder), str(self._user if self._user is not None else "")),
                    *map(str, command),
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                cwd=Path(__file__).resolve().parents[2],
                start_new_session=True,
            )
            deadline = time.monotonic() + START_SECONDS
            while not ready():
                if self._tether.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-1000:]
                    raise ServerError(f"{self.name} did not start: {said}")
                time.sleep(0.02)

    def stop(self) -> None:
        """End it, and wait until it is gone with its folder."""
        tether, self._tether = self._tether, None
        if tether is None:
            shutil.rmtree(self.folder, ignore_errors=True)
            return
        if tether.stdin is not None:
            with contextlib.suppress(OSError):
                tether.stdin.close()
        try:
            tether.wait(END_SECONDS * 2)
        except subprocess.TimeoutExpired:
            tether.kill()
            tether.wait()


SERVERS: list[Server] = []
LOCK = threading.Lock()


def new_server(name: str, *, unprivileged: bool = False) -> Server:
    """A folder for a server. With `unprivileged` it may not be run by root, and by root is not.

    Its folder is then where every user may go, and has a short path, as its socket needs.
    """
    user = _nobody() if unprivileged and os.geteuid() == 0 else None
    prefix = f"groundwork-{name.lower()}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp" if unprivileged else None))
    if user is not None:
        os.chown(folder, user, -1)
    server = Server(name, folder, user)
    with LOCK:
        SERVERS.append(server)
    return server


def discard(server: Server) -> None:
    """End one that is no longer needed."""
    with LOCK:
        if server in SERVERS:
            SERVERS.remove(server)
    server.stop()


def stop_all() -> None:
    """End every one."""
    with LOCK:
        ending, SERVERS[:] = list(SERVERS), []
    for server in ending:
        server.stop()


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether something listens."""
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=0.5):
        return True
    return False


def _nobody() -> int:
    import pwd

    return pwd.getpwnam("nobody").pw_uid


def _tethered(folder: Path, user: int | None, command: Sequence[str]) -> int:
    """Run until standard input ends."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, user=user, cwd=folder)
    threading.Thread(target=_await_end, args=(child,), daemon=True).start()
    try:
        return child.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await_end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):  # not through sys.stdin, whose lock would outlive this program
            pass
    child.send_signal(signal.SIGINT)  # for PostgreSQL: now, without waiting for its clients
    try:
        child.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()


if __name__ == "__main__":
    sys.exit(_tethered(Path(sys.argv[1]), int(sys.argv[2]) if sys.argv[2] else None, sys.argv[3:]))
