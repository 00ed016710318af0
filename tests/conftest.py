"""What every test needs: the interpreter's own tools first on the path."""

from __future__ import annotations

import os
import sys
from pathlib import Path

TOOLS = str(Path(sys.executable).parent)
if TOOLS not in os.environ.get("PATH", "").split(os.pathsep):
    os.environ["PATH"] = os.pathsep.join([TOOLS, os.environ.get("PATH", "")])
