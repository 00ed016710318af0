"""The network that the fleet lives in."""

from __future__ import annotations

from typing import Any

from aws_cdk import Stack
from constructs import Construct

from stacks.constructs.network import Network
from stacks.settings import Settings


class NetworkStack(Stack):
    """A VPC without NAT unless asked for, and the endpoints that the fleet needs."""

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, **kwargs: Any
    ) -> None:
        super().__init__(
            scope, construct_id, description="Groundwork: network of the worker fleet", **kwargs
        )
        self.network = Network(
            self,
            "Network",
            settings=settings.network,
            session_manager=settings.fleet.session_manager,
        )
