"""The loop on the Runtime API, as a process of its own, against the protocol on loopback."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

LAMBDA_SRC = Path(__file__).parents[2] / "lambda_src"
STREAMER = """
import os, time
def stream(event, context, answer):
    if event.get("fail") == "before":
        raise ValueError("no")
    answer.begin(200, {"content-type": "text/event-stream"})
    answer.write(b"one ")
    time.sleep(event.get("pause", 0))
    answer.write(os.environ["_X_AMZN_TRACE_ID"].encode())
    if event.get("fail") == "within":
        raise ValueError("no more")
    answer.write(str(context.get_remaining_time_in_millis() > 1000).encode())
def empty(event, context, answer):
    pass
"""


@dataclass
class Told:
    """What the runtime sent for one invocation, and when its pieces came."""

    path: str
    headers: dict[str, str]
    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)


class RuntimeApi:
    """The Runtime API with chunked requests and trailers, which http.server does not read."""

    def __init__(self, *events: Any) -> None:
        self.told: list[Told] = []
        self.done = threading.Event()
        self._events = list(events)
        self._expected = len(events)
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # A program that is ended resets its connection.
        with (
            contextlib.suppress(ConnectionError),
            connection,
            connection.makefile("rwb") as file,
        ):
            while line := file.readline().decode():
                method, path, _ = line.split(" ", 2)
                headers = self._headers(file)
                if method == "GET":
                    if not self._events:
                        self.done.wait(30)  # Lambda freezes the copy here
                        return
                    body = json.dumps(self._events.pop(0)).encode()
                    file.write(
                        b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\n"
                        b"Lambda-Runtime-Trace-Id: Root=1-2-3\r\n"
                        + f"Lambda-Runtime-Deadline-Ms: {int(time.time() * 1000) + 9000}\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n".encode()
                        + body
                    )
                else:
                    told = Told(path, headers)
                    self._body(file, told)
                    self.told.append(told)
                    file.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
                file.flush()
                if len(self.told) == self._expected:
                    self.done.set()

    def _headers(self, file: Any) -> dict[str, str]:
        found = {}
        while (line := file.readline().decode().strip()) != "":
            name, _, value = line.partition(":")
            found[name.lower()] = value.strip()
        return found

    def _body(self, file: Any, told: Told) -> None:
        if told.headers.get("transfer-encoding") != "chunked":
            size = int(told.headers.get("content-length", 0))
            told.chunks.append((time.monotonic(), file.read(size)))
            return
        while size := int(file.readline(), 16):
            told.chunks.append((time.monotonic(), file.read(size)))
            assert file.readline() == b"\r\n"
        told.trailers = self._headers(file)

    def close(self) -> None:
        self.done.set()
        self._server.close()


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "streamer.py").write_text(STREAMER)
    open_: list[tuple[RuntimeApi, subprocess.Popen[str]]] = []

    def play(*events: Any, name: str = "streamer.stream") -> list[Told]:
        api = RuntimeApi(*events)
        process = subprocess.Popen(
            [sys.executable, "-m", "edge.stream_loop", name],
            env={**os.environ, "AWS_LAMBDA_RUNTIME_API": api.address,
                 "PYTHONPATH": f"{LAMBDA_SRC}:{tmp_path}"},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        open_.append((api, process))
        assert api.done.wait(30)
        return api.told

    yield play
    for api, process in open_:
        process.kill()
        process.communicate()
        api.close()


def test_pieces_are_sent_as_they_are_made(played: Any) -> None:
    (told,) = played({"pause": 0.4})
    assert told.path == "/2018-06-01/runtime/invocation/r1/response"
    assert told.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert told.headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    prelude, _, body = told.body.partition(bytes(8))
    assert json.loads(prelude) == {
        "statusCode": 200, "headers": {"content-type": "text/event-stream"}
    }  # fmt: skip
    assert body == b"one Root=1-2-3True" and told.trailers == {}
    times = [moment for moment, _ in told.chunks]
    assert times[2] - times[1] > 0.3


def test_a_failure_is_told_and_the_next_invocation_answered(played: Any) -> None:
    before, within, after = played({"fail": "before"}, {"fail": "within"}, {})
    assert before.path.endswith("/r1/error")
    assert json.loads(before.body) == {"errorMessage": "no", "errorType": "ValueError"}
    assert within.body.endswith(b"one Root=1-2-3")
    assert within.trailers["lambda-runtime-function-error-type"] == "ValueError"
    content = json.loads(base64.b64decode(within.trailers["lambda-runtime-function-error-body"]))
    assert content["errorMessage"] == "no more"
    assert after.body.endswith(b"True")


def test_an_answer_without_anything_is_complete(played: Any) -> None:
    (told,) = played({}, name="streamer.empty")
    assert json.loads(told.body.partition(bytes(8))[0])["statusCode"] == 204


def test_a_module_that_cannot_be_loaded_is_told(played: Any) -> None:
    (told,) = played({}, name="nowhere.stream")
    assert told.path == "/2018-06-01/runtime/init/error"
    assert "nowhere" in json.loads(told.body)["errorMessage"]


def test_the_wrapper_starts_the_loop_with_lambdas_interpreter(tmp_path: Path) -> None:
    """A request that is refused needs nothing of AWS: the whole way through the real function."""
    event = {
        "version": "2.0", "rawPath": "/", "body": "{}",
        "requestContext": {"http": {"method": "POST", "path": "/"}},
    }  # fmt: skip
    api = RuntimeApi(event)
    wrapper = LAMBDA_SRC / "chat" / "stream"
    assert wrapper.read_bytes().startswith(b"#!") and os.access(wrapper, os.X_OK)
    process = subprocess.Popen(
        [str(wrapper), sys.executable, "/var/runtime/bootstrap.py"],
        env={"PATH": os.environ["PATH"], "AWS_LAMBDA_RUNTIME_API": api.address,
             "LAMBDA_TASK_ROOT": str(LAMBDA_SRC), "AWS_REGION": "eu-west-1"},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert api.done.wait(30), process.stderr
        (told,) = api.told
        prelude, _, body = told.body.partition(bytes(8))
        assert json.loads(prelude)["statusCode"] == 400
        assert json.loads(body)["errors"][0]["field"] == "question"
    finally:
        process.kill()
        process.communicate()
        api.close()
