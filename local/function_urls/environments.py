"""Execution environments: the deployed package's own program, started as Lambda starts it.

An OS-only runtime starts the package's `bootstrap`
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html), a managed one the script that
AWS_LAMBDA_EXEC_WRAPPER names, with the interpreter and the arguments of AWS's own runtime
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html#runtime-wrapper). That runtime is
not on this machine: a wrapper that goes on to it fails.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from queue import Empty
from typing import Any

from local.function_urls.runtime_api import (
    EndedError,
    FunctionError,
    Invocation,
    Moment,
    RuntimeApi,
)

Config = Mapping[str, Any]
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
TASK_ROOT = "/var/task/"
MANAGED = "/var/runtime/bootstrap.py"
INIT_SECONDS = 10.0
"""After which Lambda initialises once more, within the function's own time:
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html"""


def speaks_runtime_api(config: Config) -> bool:
    """Whether the package brings a program that may stream."""
    return _os_only(config) or WRAPPER in _variables(config)


def _os_only(config: Config) -> bool:
    return str(config.get("Runtime", "")).startswith("provided")


def _variables(config: Config) -> Mapping[str, str]:
    return (config.get("Environment") or {}).get("Variables") or {}


def command(config: Config, task_root: Path) -> list[str]:
    """What starts the program. Raises FunctionError when the package lacks it."""
    program, arguments = f"{TASK_ROOT}bootstrap", []
    if not _os_only(config):
        program, arguments = _variables(config)[WRAPPER], [sys.executable, MANAGED]
    path = task_root / program.removeprefix(TASK_ROOT)
    if program.startswith(TASK_ROOT) and os.access(path, os.X_OK):
        return [str(path), *arguments]
    raise FunctionError(
        "Runtime.InvalidEntrypoint",
        f"{program} is no executable file of the function's package (layers are not looked into)",
    )


class Environment:
    """One copy of a function: a process that has one event at a time."""

    def __init__(self, config: Config, code: bytes) -> None:
        from ministack.services import lambda_svc

        root = Path(lambda_svc._provided_runtime_code_dir(code))
        started = command(config, root)
        self.idle = False
        self._log = tempfile.TemporaryFile("ab+")  # noqa: SIM115 (closed with the copy)
        self._read = 0
        self._api = RuntimeApi()
        try:
            with lambda_svc._provided_code_lock:
                self._process = subprocess.Popen(
                    started,
                    cwd=root,
                    env=_environment(config, root, self._api),
                    stdin=subprocess.DEVNULL,
                    stdout=self._log,
                    stderr=self._log,
                    start_new_session=True,
                )
        except OSError as error:
            failure = EndedError("Runtime.InvalidEntrypoint", f"{started[0]}: {error.strerror}")
            self._api.end(failure)
            raise failure from None
        threading.Thread(target=self._await_end, daemon=True).start()

    def invoke(self, invocation: Invocation) -> Iterator[str | bytes | Moment]:
        """The answer as it comes, until the program asks for more. Raises FunctionError."""
        self.idle = False
        self._api.offer(invocation)
        until = time.monotonic() + INIT_SECONDS + invocation.seconds
        failure: FunctionError | None = None
        answered = False
        while True:
            try:
                told = invocation.told.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                message = f"Task timed out after {invocation.seconds:.2f} seconds"
                raise failure or FunctionError("Sandbox.Timedout", message) from None
            if told is Moment.TAKEN:
                until = time.monotonic() + invocation.seconds
            elif told is Moment.IDLE:
                break
            elif isinstance(told, EndedError):
                raise failure or told
            elif isinstance(told, FunctionError):
                failure = failure or told
            else:
                answered = answered or told is Moment.COMPLETE
                yield told
        self.idle = True
        if failure or not answered:
            raise failure or FunctionError("Runtime.NoResponse", "The program did not answer")

    def lines(self) -> str:
        """What was printed since the last time."""
        size = os.fstat(self._log.fileno()).st_size
        said = os.pread(self._log.fileno(), size - self._read, self._read)
        self._read = size
        return said.decode(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it can take an event."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process at once, as Lambda does, and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            if self.alive:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Leave nothing of it."""
        self.end()
        self._log.close()

    def _await_end(self) -> None:
        status = self._process.wait()
        said = f"Runtime exited with error: exit status {status}"
        if not status:
            said = "Runtime exited without providing a reason"
        self._api.end(EndedError("Runtime.ExitError", said))


def _environment(config: Config, root: Path, api: RuntimeApi) -> dict[str, str]:
    from ministack.services import lambda_svc

    variables: dict[str, str] = lambda_svc._provided_worker_env(config, str(root), api.server_port)
    engine = f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    return {"AWS_ENDPOINT_URL": engine, **variables}


class Environments:
    """All copies of an engine. One stays warm per version; more run while more is to be done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._warm: dict[str, Environment] = {}
        self._busy: dict[Environment, str] = {}

    def counts(self) -> Mapping[str, int]:
        """How many run, and with or without work."""
        with self._lock:
            return {"busy": len(self._busy), "idle": len(self._warm)}

    @contextlib.contextmanager
    def lent(self, config: Config, code: bytes) -> Iterator[Environment]:
        """A copy for one invocation, the warm one if it is free. Raises FunctionError."""
        version = _version(config)
        with self._lock:
            environment = self._warm.pop(version, None)
        if environment and not environment.alive:
            environment.close()
            environment = None
        environment = environment or Environment(config, code)
        with self._lock:
            self._busy[environment] = version
        try:
            yield environment
        finally:
            self._give_back(environment, version)

    def _give_back(self, environment: Environment, version: str) -> None:
        with self._lock:
            wanted = self._busy.pop(environment, None) == version and environment.idle
            if wanted and version not in self._warm:
                self._warm[version] = environment
                return
        environment.close()

    def forget(self, name: str, version: str | None) -> None:
        """Keep no copy of a function, or of one version: it was changed, or deleted."""

        def meant(key: str) -> bool:
            return key.startswith(f"{name} ") and version in (None, key.split()[1])

        with self._lock:
            ending = [self._warm.pop(key) for key in [*self._warm] if meant(key)]
            for busy in [each for each, key in self._busy.items() if meant(key)]:
                self._busy[busy] = ""  # ends when its invocation has
        for environment in ending:
            environment.close()

    def close(self) -> None:
        """End every one; who has one at work gives it back by itself."""
        with self._lock:
            ending = [*self._warm.values(), *self._busy]
            self._warm.clear()
            self._busy.clear()
        for environment in ending:
            environment.end()


def _version(config: Config) -> str:
    """Name and version, and the account and Region that they are in."""
    return f"{config['FunctionName']} {config.get('Version', '$LATEST')} {config['FunctionArn']}"
