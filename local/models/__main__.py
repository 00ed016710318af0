"""`python -m local.models CACHE_FILE`; ends when standard input does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from local.models.server import serve

if __name__ == "__main__":
    os.nice(5)  # the engine answers first
    serve(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
