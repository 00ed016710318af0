"""Logs as JSON lines on standard output, one write per line."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from typing import Any

ROOT = "worker"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON; what is passed as `extra` becomes fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record; fields that JSON cannot hold become their text."""
        fields: dict[str, Any] = {
            "time": f"{_utc(record.created)}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "event": record.getMessage(),
            "pid": record.process,
        }
        if record.name != ROOT:
            fields["logger"] = record.name
        fields.update(
            (name, value) for name, value in vars(record).items() if name not in _STANDARD
        )
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


class LineHandler(logging.Handler):
    """Writes a line by a single system call, so that lines of several processes do not mix."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, in short where a field has no text."""
        try:
            line = self.format(record)
        except Exception as error:
            fields = {
                "level": record.levelname,
                "event": str(record.msg),
                "unprintable": type(error).__name__,
            }
            line = json.dumps(fields)
        write_line(line)


def write_line(line: str) -> None:
    """Write one line to standard output; a reader that is gone does not stop the work."""
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def set_up_logs(level: int = logging.INFO) -> logging.Logger:
    """Send the logs of this process to standard output; libraries from warnings up."""
    handler = LineHandler()
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logger = logging.getLogger(ROOT)
    logger.setLevel(level)
    logging.raiseExceptions = False
    return logger


class Repeated:
    """Logs a problem that repeats: at once, then once a minute with how often it happened."""

    def __init__(self, logger: logging.Logger, *, every_seconds: float = 60.0) -> None:
        self._logger = logger
        self._every = every_seconds
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, int]] = {}

    def warn(self, event: str, *, about: str, **fields: Any) -> None:
        """Log `event` unless the same `about` was logged a short while ago."""
        now = time.monotonic()
        with self._lock:
            since, count = self._seen.get(about, (float("-inf"), 0))
            if now - since < self._every:
                self._seen[about] = (since, count + 1)
                return
            self._seen[about] = (now, 0)
        self._logger.warning(event, extra={**fields, "repeated": count} if count else fields)


def _utc(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
