"""Send a growing log file to CloudWatch Logs, as the CloudWatch agent on an instance does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-Agent-Configuration-File-Details.html
Batches respect PutLogEvents' limit of 10,000 events
(https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html).
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

LARGEST_BATCH = 10_000
LARGEST_READ = 4 << 20
TIMEOUT_SECONDS = 10


class LogShipper:
    """Follows one file. A local AWS that does not answer costs nothing but the lines' delay."""

    def __init__(
        self,
        path: Path,
        *,
        endpoint: str,
        region: str,
        log_group: str,
        log_stream: str,
        interval_seconds: float,
    ) -> None:
        parts = urlsplit(endpoint)
        self._path = path
        self._address = (parts.hostname or "127.0.0.1", parts.port)
        self._region = region
        self._group = log_group
        self._stream = log_stream
        self._interval = interval_seconds
        self._offset = 0
        self._created = False
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-shipper", daemon=True)

    def start(self) -> None:
        """Follow the file until `finish`."""
        self._thread.start()

    def finish(self) -> None:
        """Send what is left and end."""
        self._done.set()
        self._thread.join(TIMEOUT_SECONDS)

    def _run(self) -> None:
        while not self._done.wait(self._interval):
            self._ship()
        self._ship()

    def _ship(self) -> None:
        while True:
            lines = self._new_lines()
            if not lines:
                return
            now = int(time.time() * 1000)
            for start in range(0, len(lines), LARGEST_BATCH):
                events = [
                    {"timestamp": now, "message": line}
                    for line in lines[start : start + LARGEST_BATCH]
                ]
                self._put(events)

    def _new_lines(self) -> list[str]:
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            content = file.read(LARGEST_READ)
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        return [line for line in whole.decode("utf-8", "replace").splitlines() if line]

    def _put(self, events: list[dict[str, object]]) -> None:
        stream = {"logGroupName": self._group, "logStreamName": self._stream}
        if not self._created:
            self._created = self._call("CreateLogStream", stream)
        self._call("PutLogEvents", {**stream, "logEvents": events})

    def _call(self, operation: str, content: Mapping[str, object]) -> bool:
        connection = http.client.HTTPConnection(*self._address, timeout=TIMEOUT_SECONDS)
        date = time.strftime("%Y%m%d", time.gmtime())
        headers = {
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": f"Logs_20140328.{operation}",
            # Names the region; nothing is signed, because the local AWS checks no signatures.
            "Authorization": f"AWS4-HMAC-SHA256 Credential=agent/{date}/{self._region}"
            "/logs/aws4_request",
        }
        try:
            connection.request("POST", "/", json.dumps(content), headers)
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
