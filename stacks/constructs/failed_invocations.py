"""Where asynchronous invocations go that came to nothing."""

from __future__ import annotations

from aws_cdk import Duration
from constructs import Construct

from stacks.constructs.kept_queue import kept_queue

# The least that Lambda and EventBridge accept.
# https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
SHORTEST_EVENT_AGE_SECONDS = 60


class FailedInvocations(Construct):
    """A queue for what Lambda gave up, and for what EventBridge could not hand to Lambda.

    Lambda answers an asynchronous invocation before it runs, so nobody else hears of its failure
    (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html). A destination rather than
    a dead-letter queue of the function: it belongs to the alias, and its record tells the error
    beside the event. What cannot be of use later, such as a ping, is kept for an hour only, so that
    the alarm on this queue ends by itself.
    """

    def __init__(self, scope: Construct, construct_id: str, *, kept: Duration) -> None:
        super().__init__(scope, construct_id)
        self.queue = kept_queue(
            self,
            "Queue",
            kept=kept,
            reason="This queue is where failed invocations end: it has nowhere further to go.",
        )
