"""What can become of a message: the exceptions by which a job tells the worker.

Returning from `Job.run` means done. Everything else is an exception, so that a job cannot forget
to say that it failed.
"""

from __future__ import annotations


class Reject(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The message can never succeed: a malformed body, an unreadable document.

    The reason is logged, and the message is made visible at once until the queue's redrive policy
    moves it to the dead-letter queue: no time is lost on retries that cannot help.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Retry(Exception):  # noqa: N818 - an outcome, not an error of the program
    """The message may succeed later: throttling, a dependency that is down.

    `after_seconds` fixes the delay; without it the worker backs off exponentially with jitter.
    """

    def __init__(self, reason: str, after_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.after_seconds = after_seconds
