"""DescribeStacks waits for a stack whose operation is under way.

Here most operations end within tenths of a second. The CDK CLI asks once, and five seconds later
again, so a deployment of seven stacks would mostly sleep; its events, which it asks for on its own,
keep coming. Whoever asks gets the same answers as from AWS, an operation under way among them:
after HOLD_SECONDS, which is less than what HTTP clients wait for by default.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from typing import Any

HOLD_SECONDS = 20.0
LOOK_SECONDS = 0.02
# Waits for the one who deploys, not for the engine.
REVIEWED = "REVIEW_IN_PROGRESS"


def register() -> None:
    """Let an action be a coroutine, and DescribeStacks be one."""
    from ministack.services import cloudformation
    from ministack.services.cloudformation import handlers

    stock_request = cloudformation.handle_request
    stock_describe = handlers._ACTION_HANDLERS["DescribeStacks"]

    async def handle_request(*request: Any) -> Any:
        answer = await stock_request(*request)
        return await answer if inspect.isawaitable(answer) else answer

    async def describe(params: Any) -> Any:
        until = time.monotonic() + HOLD_SECONDS
        name = str((params.get("StackName") or [""])[0])
        while name and _under_way(name) and time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)
        return stock_describe(params)

    handlers._ACTION_HANDLERS["DescribeStacks"] = describe
    cloudformation.handle_request = handle_request


def _under_way(name: str) -> bool:
    from ministack.services.cloudformation import handlers

    stack = handlers._resolve_stack(name)
    status = str(stack["StackStatus"]) if stack else ""
    return status.endswith("_IN_PROGRESS") and status != REVIEWED
