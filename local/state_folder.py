"""The one folder that everything local lives in, and who is alive in it.

An engine holds a lock on `engine.lock` for as long as it lives, however it ends; so a stale record
is told from a live engine without trusting process ids, which the system reuses.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

VARIABLE = "GROUNDWORK_LOCAL"
DEFAULT = Path(__file__).resolve().parent.parent / ".local"
MARK = "groundwork-local-state"


class StateFolderError(RuntimeError):
    """The folder cannot be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class EngineRecord:
    """What a live engine says about itself."""

    pid: int
    endpoint: str
    account: str
    region: str
    time_scale: float
    vcpus: int
    started: float

    @property
    def port(self) -> int:
        """The port of the endpoint."""
        return int(self.endpoint.rpartition(":")[2])


class StateFolder:
    """Paths in the folder, and the engine's record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "engine.log"
        self.cdk_home = path / "cdk"
        self.cdk_output = path / "cdk.out"
        self.temporary = path / "tmp"
        self._record = path / "engine.json"
        self._lock = path / "engine.lock"
        self._starting = path / "start.lock"

    def prepare(self) -> None:
        """Make the folder. Refuses one that somebody else uses or that holds other things."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            mark = self.path / MARK
            if not mark.exists():
                if any(self.path.iterdir()):
                    raise StateFolderError(
                        f"{self.path} is not empty and was not made by Groundwork. "
                        f"Name another folder with --state or {VARIABLE}."
                    )
                mark.write_text(
                    "State of Groundwork's local AWS. `python -m local reset` wipes it.\n"
                )
            self.temporary.mkdir(exist_ok=True)
        except OSError as error:
            raise StateFolderError(
                f"cannot use {self.path} as state folder: {error.strerror}. "
                f"Name another one with --state or {VARIABLE}."
            ) from None
        owner = self.path.stat().st_uid
        if owner != os.getuid():
            raise StateFolderError(
                f"{self.path} belongs to user {owner}, you are {os.getuid()}. "
                f"Name a folder of your own with --state or {VARIABLE}."
            )

    @property
    def known(self) -> bool:
        """Whether this is a folder of ours, so that wiping it is safe."""
        return (self.path / MARK).is_file()

    def alive(self) -> EngineRecord | None:
        """The engine that lives here; None when there is none or it has not come up yet."""
        if not self.locked():
            return None
        try:
            return EngineRecord(**json.loads(self._record.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def locked(self) -> bool:
        """Whether a process holds the folder."""
        try:
            with self._lock.open("a") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except PermissionError:
            raise StateFolderError(
                f"{self._lock} cannot be opened: the folder belongs to another user. "
                f"Name a folder of your own with --state or {VARIABLE}."
            ) from None
        return False

    def claim(self) -> IO[str]:
        """Hold the folder until the returned file is closed, or this process ends."""
        handle = self._lock.open("a")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            raise StateFolderError(f"another engine lives in {self.path}") from None
        return handle

    @contextmanager
    def starting(self) -> Iterator[None]:
        """One `up`, `down` or `reset` at a time per folder."""
        with self._starting.open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def publish(self, record: EngineRecord) -> None:
        """Write the record; a reader sees all of it or nothing."""
        with tempfile.NamedTemporaryFile("w", dir=self.path, delete=False) as file:
            json.dump(asdict(record), file)
        Path(file.name).replace(self._record)

    def withdraw(self) -> None:
        """Remove the record."""
        self._record.unlink(missing_ok=True)


def state_folder(chosen: str | Path | None, environment: Mapping[str, str]) -> StateFolder:
    """The folder of `--state`, else of GROUNDWORK_LOCAL, else `.local` in the repository."""
    return StateFolder(Path(chosen or environment.get(VARIABLE) or DEFAULT).resolve())
