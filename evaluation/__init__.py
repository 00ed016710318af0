"""How good the answers are: retrieval, generation, cache, on questions with known answers.

`python -m evaluation --help` says how, docs/evaluation.md what the figures mean. The documents are
prepared by the fleet's own program, so that what is recorded can be held against what was ingested;
and the chat function's own says which state of the index its cache is in.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
for _program in (str(REPOSITORY / "worker_src"), str(REPOSITORY / "lambda_src")):
    if _program not in sys.path:
        sys.path.append(_program)
