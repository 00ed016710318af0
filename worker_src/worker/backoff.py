"""How long a failed message stays hidden before it is tried again."""

from __future__ import annotations

import math
import random


def backoff_seconds(*, receive_count: int, base: float, cap: float) -> int:
    """Whole seconds, doubling with each receive from `base` up to `cap`, half of it at random.

    The random half keeps messages that failed together from coming back together; the fixed half
    keeps the delay growing. Rounded up, because SQS takes whole seconds.
    https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
    """
    doublings = min(max(receive_count, 1) - 1, 30)
    longest = min(cap, base * 2.0**doublings)
    return math.ceil(longest * (0.5 + random.random() / 2))  # nosec B311
