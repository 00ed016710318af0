"""One fresh function process behind the real runtime interface client, and what it cost.

Processor time comes from /proc/<pid>/task/*/schedstat, which counts the nanoseconds that the
process itself ran, whatever else the machine does.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.lambda_runtime_api import RuntimeApi, RuntimeApiError

WARM_INVOCATIONS = 20
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Milliseconds of processor time, except `init_wall`; memory is the peak in MB."""

    init: float
    init_wall: float
    first: float
    warm: float
    memory: float

    @property
    def cold(self) -> float:
        """What the first caller waits for."""
        return self.init + self.first


def measure(
    *,
    python: Path,
    handler: str,
    folder: Path,
    environment: Mapping[str, str],
    event: object,
    processor: int | None,
) -> Cost:
    """Start the function, invoke it, end it. Raises RuntimeApiError with the function's output."""
    with RuntimeApi() as api:
        command = [str(python), "-m", "awslambdaric", handler]
        if processor is not None:
            command = ["taskset", "-c", str(processor), *command]
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={
                **environment,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "LAMBDA_TASK_ROOT": str(folder),
                "_HANDLER": handler,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            return _invoke(api, process.pid, event, started)
        except RuntimeApiError as error:
            process.kill()
            _, problems = process.communicate()
            raise RuntimeApiError(f"{handler}: {error}\n{problems.decode()[-2000:]}") from error
        finally:
            process.kill()
            process.communicate()


def _invoke(api: RuntimeApi, pid: int, event: object, started: float) -> Cost:
    api.wait_until_asked(seconds=LONGEST_WAIT_SECONDS)
    wall = (time.monotonic() - started) * 1000
    init = _processor_ms(pid)
    answer = api.invoke(event, seconds=LONGEST_WAIT_SECONDS)
    first = _processor_ms(pid)
    if answer and answer.get("statusCode") != 202:
        raise RuntimeApiError(f"answered {answer}")
    for _ in range(WARM_INVOCATIONS):
        api.invoke(event, seconds=LONGEST_WAIT_SECONDS)
    last = _processor_ms(pid)
    return Cost(
        init=init,
        init_wall=wall,
        first=first - init,
        warm=(last - first) / WARM_INVOCATIONS,
        memory=_peak_memory(pid),
    )


def _processor_ms(pid: int) -> float:
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1_000_000


def _peak_memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def last_processor() -> int | None:
    """The processor to pin functions to: the last of those that this process may use."""
    processors = sorted(os.sched_getaffinity(0))
    return processors[-1] if len(processors) > 1 else None
