"""What the instance tells EC2 Auto Scaling: the drain is over, or this instance is ill.

Two calls in an instance's life, so they are made by a botocore client, loaded when needed.
https://docs.aws.amazon.com/autoscaling/ec2/userguide/completing-lifecycle-hooks.html
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from worker.aws_config import AwsConfig


class Lifecycle:
    """The Auto Scaling group's view of this instance. Never raises: the instance goes anyway."""

    def __init__(
        self,
        *,
        group: str,
        hook: str,
        instance_id: Callable[[], str | None],
        region: str,
        logger: logging.Logger,
        client: Callable[[], Any] | None = None,
    ) -> None:
        self._group = group
        self._hook = hook
        self._instance_id = instance_id
        self._logger = logger
        self._client = client or (lambda: AwsConfig(region=region).client("autoscaling"))

    def complete(self) -> bool:
        """Let the group go on with the termination; True when it took note.

        CONTINUE and ABANDON end a termination alike, so a failed drain completes the hook as well
        (https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks-overview.html).
        """
        if not self._hook:
            return False
        return self._call(
            "complete_lifecycle_action",
            LifecycleHookName=self._hook,
            LifecycleActionResult="CONTINUE",
        )

    def report_unhealthy(self) -> bool:
        """Have the group replace this instance; True when it took note."""
        return self._call(
            "set_instance_health",
            group_parameter=False,
            HealthStatus="Unhealthy",
            ShouldRespectGracePeriod=True,
        )

    def _call(self, operation: str, *, group_parameter: bool = True, **parameters: object) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        instance_id = self._instance_id()
        if not self._group or not instance_id:
            return False
        if group_parameter:
            parameters["AutoScalingGroupName"] = self._group
        try:
            getattr(self._client(), operation)(InstanceId=instance_id, **parameters)
        except (BotoCoreError, ClientError) as error:
            self._logger.warning(
                "Auto Scaling refused a call",
                extra={"operation": operation, "instance_id": instance_id, "error": str(error)},
            )
            return False
        self._logger.info(
            "told Auto Scaling", extra={"operation": operation, "instance_id": instance_id}
        )
        return True
