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
        # Imported by a vector store or a cache in the VPC, and by nothing else: an export that went
        # with the last of them would be refused, as this stack is deployed before theirs.
        # https://docs.aws.amazon.com/cdk/api/v2/python/aws_cdk/Stack.html#aws_cdk.Stack.export_value
        self.export_value(self.network.vpc.vpc_id)
