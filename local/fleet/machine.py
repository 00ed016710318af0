"""The engine's handle on one running instance: its `boot` process and its metadata service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from local.fleet.boot import Specification
from local.fleet.metadata_service import MetadataService
from local.fleet.service_process import signal_tree

REPOSITORY = Path(__file__).resolve().parent.parent.parent
# EC2 gives the operating system some minutes to shut down before it pulls the plug.
LONGEST_SHUTDOWN_SECONDS = 240.0


@dataclass(frozen=True, kw_only=True)
class MachineRoom:
    """What all machines share: folders, the engine's address, and how large they are."""

    directory: Path
    endpoint: str
    vcpus: int


class Machine:
    """One instance's processes. `on_event(kind, text)` is called in the event loop."""

    def __init__(
        self,
        *,
        instance_id: str,
        room: MachineRoom,
        region: str,
        user_data: str,
        metadata: MetadataService,
        on_event: Callable[[str, str], None],
    ) -> None:
        self._instance_id = instance_id
        self._room = room
        self._region = region
        self._user_data = user_data
        self._metadata = metadata
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._service_pid: int | None = None
        self._watch: asyncio.Task[None] | None = None
        self._shutdown: asyncio.Task[None] | None = None
        self._killed = False
        self.ended = False

    @property
    def pids(self) -> list[int]:
        """The instance's own process and the leader of its service, as far as they run."""
        found = [self._process.pid] if self._process and not self.ended else []
        return found + ([self._service_pid] if self._service_pid else [])

    def start(self) -> None:
        """Power on."""
        self._watch = asyncio.create_task(self._run())

    async def _run(self) -> None:
        directory = self._room.directory / "instances" / self._instance_id
        try:
            directory.mkdir(parents=True, exist_ok=True)
            specification = Specification(
                instance_id=self._instance_id,
                directory=str(directory),
                cache=str(self._room.directory / "assets"),
                endpoint=self._room.endpoint,
                metadata_endpoint=await self._metadata.start(),
                region=self._region,
                vcpus=self._room.vcpus,
                user_data=self._user_data,
            )
            with (directory / "console.log").open("ab") as console:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    "local.fleet.boot",
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=console,
                    start_new_session=True,
                    cwd=directory,
                    env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                )
            if self._killed:
                signal_tree(self._process.pid, signal.SIGKILL)
            self._command(json.dumps(asdict(specification)))
            await self._listen()
            await self._process.wait()
        except OSError as error:
            self._on_event("set-up-failed", str(error))
        finally:
            self._end()

    async def _listen(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for line in self._process.stdout:
            content = json.loads(line)
            if content["kind"] == "started":
                self._service_pid = content["number"]
                self._on_event("service", f"started, process {content['number']}")
            elif content["kind"] == "exited":
                self._service_pid = None
                self._on_event("service", f"ended with status {content['number']}")
            else:
                self._on_event(content["kind"], content.get("reason", ""))

    def _end(self) -> None:
        if self.ended:
            return
        self.ended = True
        if self._service_pid is not None:
            signal_tree(self._service_pid, signal.SIGKILL)
            self._service_pid = None
        self._metadata.stop()
        self._on_event("off", "")

    def _command(self, line: str) -> None:
        stdin = None if self._process is None else self._process.stdin
        if stdin is not None and not stdin.is_closing():
            stdin.write(f"{line}\n".encode())

    def power_off(self) -> None:
        """Shut down in order: systemd stops the service, then the machine is off."""
        if not self.ended and self._shutdown is None:
            self._shutdown = asyncio.create_task(self._shut_down())

    async def _shut_down(self) -> None:
        while self._process is None and not self.ended:
            await asyncio.sleep(0.05)
        if self.ended:
            return
        self._command("stop")
        assert self._watch is not None
        done, _ = await asyncio.wait({self._watch}, timeout=LONGEST_SHUTDOWN_SECONDS)
        if not done:
            self.kill()

    def kill(self) -> None:
        """Pull the plug: SIGKILL for the whole tree, also when it is only about to start."""
        self._killed = True
        if self._process is None or self.ended:
            return
        if self._service_pid is None and self._process.stdin is not None:
            # A service may be starting at this moment: only `boot` knows, and ends it on this sign.
            self._process.stdin.close()
            return
        if self._service_pid is not None:
            signal_tree(self._service_pid, signal.SIGKILL)
        signal_tree(self._process.pid, signal.SIGKILL)

    async def wait_off(self) -> None:
        """Return when the machine is off."""
        if self._watch is not None:
            await asyncio.wait({self._watch})
