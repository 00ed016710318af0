"""The synthesized templates that the benchmarks read.

They are synthesized for the purpose, from the code as it is, by the composition root itself: a
cloud assembly that lies about in cdk.out may be old or of another stage. The context is what the
CDK CLI would hand over: cdk.json plus overrides.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
SYNTH_SECONDS = 300


class SynthError(Exception):
    """The app could not be synthesized; the message holds what it said, and a remedy."""


def environment() -> dict[str, str]:
    """The environment of a CDK process: the interpreter's own Node first, no validation."""
    tools = str(Path(sys.executable).parent)
    return {
        **os.environ,
        "PATH": os.pathsep.join([tools, os.environ.get("PATH", "")]),
        "CDK_VALIDATION": "false",
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    }


def templates(stage: str, overrides: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """Templates of a stage by the last part of the stack's name: Network, Documents, Fleet."""
    context = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run(
            [sys.executable, "app.py"],
            cwd=REPOSITORY,
            env={
                **environment(),
                "CDK_OUTDIR": directory,
                "CDK_CONTEXT_JSON": json.dumps({**context, "stage": stage, **(overrides or {})}),
            },
            capture_output=True,
            text=True,
            timeout=SYNTH_SECONDS,
            check=False,
        )
        if result.returncode:
            raise SynthError(
                f"app.py failed for stage {stage}:\n{result.stderr.strip()[-2000:]}\n"
                f"Try `make synth STAGE={stage}`."
            )
        return {
            path.name.removesuffix(".template.json").rsplit("-", 1)[-1]: json.loads(
                path.read_text()
            )
            for path in sorted(Path(directory).glob("*.template.json"))
        }
