"""Where the app's own time goes: `python -m bench.synth_phases` prints seconds per phase as JSON.

Run in a process of its own, as the CDK CLI runs app.py, because imports and the start of the
JavaScript engine happen once per process.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.assembly import REPOSITORY

PHASES = ("aws_cdk", "submodules", "bundle, cold", "bundle, cached", "construct", "synth")


def measure() -> dict[str, float]:
    """Wall-clock seconds of every phase of app.py."""
    seconds: dict[str, float] = {}

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        seconds[name] = time.perf_counter() - started

    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as directory:
        with phase("aws_cdk"):
            from aws_cdk import App
        with phase("submodules"):
            import app as composition
            from stacks.bundling import bundle_worker
        with phase("bundle, cold"):
            bundle_worker(cache=Path(directory) / "cache")
        bundle_worker()
        with phase("bundle, cached"):
            bundle_worker()
        with phase("construct"):
            app = App(context=context, outdir=str(Path(directory) / "cdk.out"))
            composition.build(app)
        seconds["construct"] -= seconds["bundle, cached"]
        with phase("synth"):
            app.synth()
    return seconds


if __name__ == "__main__":
    os.chdir(REPOSITORY)
    sys.path.insert(0, str(REPOSITORY))
    print(json.dumps(measure()))
