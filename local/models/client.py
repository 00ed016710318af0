"""What the engine asks of the models' process, which it starts with the first question.

Every call blocks; call from a thread.
"""

from __future__ import annotations

import array
import base64
import http.client
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from local.models import embedding, hashed_words
from local.models.embedding import DIMENSION
from local.models.files import EMBEDDING, TOKENIZER, installed
from local.models.hashed_words import hashed_vectors
from local.models.language import Completion, Sampling

REPOSITORY = Path(__file__).resolve().parents[2]
CACHE = REPOSITORY / ".cache" / "embeddings.sqlite"
HOST = "127.0.0.1"
ASK_SECONDS = 300.0
AT_ONCE = 64
"""Texts of one request: a long one is several, so that no answer takes minutes."""
STOP_SECONDS = 5.0
logger = logging.getLogger("groundwork.models")


class ModelsError(RuntimeError):
    """The models' process does not answer; says why and what to do."""


class Models:
    """The models of one engine; `log` gets what their process says."""

    def __init__(self, *, log: Path | None = None, cache: Path | None = CACHE) -> None:
        self._log = log
        self._cache = cache
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._stopped = False
        self._understands: bool | None = None

    @property
    def understands(self) -> bool:
        """Whether vectors come from a model."""
        if self._understands is None:
            self._understands = installed(EMBEDDING, TOKENIZER)
            if not self._understands:
                logger.warning(
                    "the embedding model is not installed: vectors are of hashed words. "
                    "Run: rm .venv/.models; make .venv/.models"
                )
        return self._understands

    @property
    def embedded_by(self) -> str:
        """The name of what makes the vectors."""
        return embedding.NAME if self.understands else hashed_words.NAME

    def embed(self, texts: Sequence[str]) -> tuple[list[list[float]], list[int]]:
        """Unit vectors of 384 numbers and lengths in word pieces. Raises ModelsError."""
        if not self.understands:
            return hashed_vectors(texts, DIMENSION)
        vectors: list[list[float]] = []
        tokens: list[int] = []
        for first in range(0, len(texts), AT_ONCE):
            answer = self._ask("/embeddings", {"texts": list(texts[first : first + AT_ONCE])})
            numbers = array.array("f", base64.b64decode(answer["vectors"])).tolist()
            vectors += [
                numbers[start : start + DIMENSION] for start in range(0, len(numbers), DIMENSION)
            ]
            tokens += answer["tokens"]
        return vectors, tokens

    def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors alone."""
        return self.embed(texts)[0]

    def complete(
        self,
        messages: Sequence[Mapping[str, str]],
        sampling: Sampling,
        told: Callable[[str], None] | None = None,
    ) -> Completion:
        """What the small language model writes; `told` hears it piece by piece."""
        request = {
            "messages": [dict(each) for each in messages],
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "stop": list(sampling.stop),
        }
        connection, response = self._post("/chat", request)
        try:
            for line in response:
                event = json.loads(line)
                if "piece" not in event:
                    return Completion(**event)
                if told:
                    told(event["piece"])
        except (OSError, http.client.HTTPException) as error:
            raise ModelsError(f"the models' process broke off: {error!r}; {self._hint}") from None
        finally:
            connection.close()
        raise ModelsError(f"the models' process broke off; {self._hint}")

    def stop(self) -> None:
        """End the process; nothing starts it again."""
        with self._lock:
            self._stopped = True
            process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()  # in the middle of a long text
            process.wait()

    def state(self) -> Mapping[str, Any]:
        """For `python -m local status`; starts nothing."""
        with self._lock:
            process = self._process
        if process is None or process.poll() is not None:
            return {"process": "starts with the first request"}
        connection = http.client.HTTPConnection(HOST, self._port, timeout=2)
        try:
            connection.request("GET", "/health")
            health: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, http.client.HTTPException):
            return {"process": "busy", "pid": process.pid}
        finally:
            connection.close()
        return {"process": "up", "pid": process.pid, **health}

    @property
    def _hint(self) -> str:
        return f"read {self._log}" if self._log else "run: python -m local.models"

    def _ask(self, path: str, request: Mapping[str, Any]) -> dict[str, Any]:
        connection, response = self._post(path, request)
        try:
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            raise ModelsError(f"the models' process broke off: {error!r}; {self._hint}") from None
        finally:
            connection.close()
        return answer

    def _post(
        self, path: str, request: Mapping[str, Any]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        content = json.dumps(request).encode()
        try:
            connection, response = self._sent(path, content)
        except ConnectionRefusedError:  # it was killed: nobody listens any more
            self._give_up()
            connection, response = self._sent(path, content)
        if response.status != 200:
            said = json.loads(response.read())["error"]
            connection.close()
            raise ModelsError(said)
        return connection, response

    def _sent(
        self, path: str, content: bytes
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(HOST, self._started(), timeout=ASK_SECONDS)
        try:
            connection.request("POST", path, content)
            return connection, connection.getresponse()
        except ConnectionRefusedError:
            connection.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise ModelsError(
                f"the models' process does not answer: {error!r}; {self._hint}"
            ) from None

    def _give_up(self) -> None:
        """On a process that is going; the next request starts another."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _started(self) -> int:
        """The port of the live process, which is started when there is none."""
        with self._lock:
            if self._stopped:
                raise ModelsError("the local AWS is stopping")
            if self._process is None or self._process.poll() is not None:
                self._start()
            return self._port

    def _start(self) -> None:
        logger.warning("starting the models' process (once; a model loads with its first request)")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        }
        environment.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false")
        command = [sys.executable, "-m", "local.models", *([str(self._cache)] * bool(self._cache))]
        with self._log.open("ab") if self._log else open(os.devnull, "ab") as log:  # noqa: PTH123
            process = subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            process.wait()
            raise ModelsError(f"the models' process ended at once; {self._hint}")
        self._process, self._port = process, int(json.loads(line)["port"])


def padded(vector: Sequence[float], dimension: int) -> list[float]:
    """A vector of a larger dimension with the same angles and distances: zeros behind it."""
    return [*vector, *([0.0] * (dimension - len(vector)))]
