"""`python -m worker`: the instance's main process, or one of the workers that it starts."""

from __future__ import annotations

import os
import socket
import sys


def main() -> int:
    """Run the main process, or with `--control <file descriptor>` a worker process."""
    if len(sys.argv) == 3 and sys.argv[1] == "--control":
        from worker.worker_process import run_worker

        return run_worker(os.environ, socket.socket(fileno=int(sys.argv[2])))
    if len(sys.argv) > 1:
        print("usage: python -m worker (all settings are environment variables)", file=sys.stderr)
        return 64
    from worker.process_tree import run_instance

    return run_instance(os.environ)


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Job threads that did not finish in time must not hold the process: their messages are back.
    os._exit(status)
