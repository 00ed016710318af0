"""EventBridge hears how stacks change, as from CloudFormation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""

from __future__ import annotations

import json
from typing import Any

STACK = "AWS::CloudFormation::Stack"


def register() -> None:
    """Tell of every status that a stack gets; of its resources nothing."""
    from ministack.services.cloudformation import stacks

    stock = stacks._add_event

    def add(
        stack_id: str, name: str, logical_id: str, kind: str, status: str, *rest: Any, **more: Any
    ) -> None:
        stock(stack_id, name, logical_id, kind, status, *rest, **more)
        if kind == STACK and logical_id == name:
            _tell(stack_id, status)

    stacks._add_event = add


def _tell(stack_id: str, status: str) -> None:
    from ministack.services import eventbridge

    event = {
        "Source": "aws.cloudformation",
        "DetailType": "CloudFormation Stack Status Change",
        "Resources": [stack_id],
        "Detail": json.dumps({"stack-id": stack_id, "status-details": {"status": status}}),
    }
    eventbridge._put_events({"Entries": [event]}, allow_aws_source=True)
