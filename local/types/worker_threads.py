"""Resource types whose handlers block: they run beside the engine's event loop."""

from __future__ import annotations


def run_on_worker_thread(*resource_types: str) -> None:
    """Let these types block, in addition to those that do already."""
    from ministack.services.cloudformation import stacks

    stock = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind in resource_types or stock(kind)
