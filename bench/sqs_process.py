"""The benchmark's hand on its SQS server (bench.sqs_server), which runs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.assembly import REPOSITORY


class ServerError(Exception):
    """The server could not be started or has ended; the message says what to look at."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What became of a queue's messages, and the API calls that it took."""

    left: int
    deleted: int
    received_again: int
    calls: dict[str, int]
    processor_seconds: float


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A self-signed certificate for localhost, in PEM files."""

    certificate: Path
    key: Path


def make_certificate(folder: Path) -> Certificate:
    """Have the openssl command make one. Raises ServerError when there is no such command."""
    made = Certificate(certificate=folder / "certificate.pem", key=folder / "key.pem")
    command = [
        *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-keyout", str(made.key), "-out", str(made.certificate)),
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except FileNotFoundError as error:
        raise ServerError("no openssl command for the TLS certificate: install openssl") from error
    if result.returncode:
        raise ServerError(f"openssl made no certificate: {result.stderr.strip()[-500:]}")
    return made


class SqsProcess:
    """A running server; use as a context manager."""

    def __init__(self, *, certificate: Certificate | None = None) -> None:
        command = [sys.executable, "-m", "bench.sqs_server"]
        if certificate is not None:
            command += ["--certificate", str(certificate.certificate)]
            command += ["--key", str(certificate.key)]
        self._process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.certificate = certificate
        where = self._read()
        self.endpoint: str = where["endpoint"]
        self._queues: str = where["queues"]

    def __enter__(self) -> SqsProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def queue_url(self, queue: str) -> str:
        """The URL of a queue; it exists from its first use."""
        return f"{self._queues}/{queue}"

    def fill(self, queue: str, *, template: str, count: int, encode: bool = False) -> None:
        """Send messages whose `{n}` is their number; with `encode` the bodies are in Base64."""
        self._do("fill", queue=queue, template=template, count=count, encode=encode)

    def wait(self, queue: str, *, deleted: int, seconds: float) -> bool:
        """Wait until so many messages of the queue were deleted; False when time is up."""
        return bool(self._do("wait", queue=queue, deleted=deleted, seconds=seconds))

    def set_latency(self, *, milliseconds: float) -> None:
        """Delay every answer from now on."""
        self._do("latency", milliseconds=milliseconds)

    def state(self, queue: str) -> State:
        """What became of a queue."""
        return State(**self._do("state", queue=queue))

    def take(self, queue: str) -> list[str]:
        """Take all visible messages out of a queue; returns their bodies."""
        bodies: list[str] = self._do("take", queue=queue)
        return bodies

    def _do(self, command: str, **arguments: object) -> Any:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise ServerError(f"the benchmark's SQS server has ended: {error}") from error
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ServerError(
                f"the benchmark's SQS server has ended with status {self._process.wait()}; "
                "its error is above"
            )
        return json.loads(line)
