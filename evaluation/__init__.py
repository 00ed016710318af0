"""How good the answers are: retrieval, generation, cache, on questions with known answers.

`python -m evaluation --help` says how, docs/evaluation.md what the figures mean. The documents are
prepared by the fleet's own program, so that what is recorded can be held against what was ingested.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
_PROGRAM = str(REPOSITORY / "worker_src")
if _PROGRAM not in sys.path:
    sys.path.append(_PROGRAM)
