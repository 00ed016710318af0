"""Settings of the network stack."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from stacks.settings_model import Capability, LogRetentionDays, unit


class NetworkSettings(Capability):
    """The VPC, and how the fleet reaches the services it calls."""

    cidr: Annotated[
        str,
        Field(
            default="10.0.0.0/16",
            description="Address range of the VPC. Choose one that does not overlap with networks "
            "you will peer with; changing it replaces the VPC.",
            json_schema_extra=unit("CIDR block between /16 and /24"),
        ),
    ]
    availability_zones: Annotated[
        int,
        Field(
            default=2,
            ge=2,
            le=3,
            description="Availability Zones that the fleet is spread over. More zones mean more "
            "pools of spot capacity; some Regions have only three.",
            json_schema_extra=unit("zones"),
        ),
    ]
    egress: Annotated[
        Literal["interface_endpoints", "nat_gateway"],
        Field(
            default="interface_endpoints",
            description="How instances reach SQS, CloudWatch Logs and EC2 Auto Scaling. Interface "
            "endpoints: no route to the internet at all, billed per endpoint, zone and hour. NAT "
            "gateway: one in the first zone, any HTTPS destination, billed per hour and GB. "
            "S3 and DynamoDB always go through gateway endpoints, which are free. "
            "docs/costs.md has the arithmetic.",
        ),
    ]
    endpoint_availability_zones: Annotated[
        int,
        Field(
            default=2,
            ge=1,
            le=3,
            description="Zones in which each interface endpoint has a network interface. One is "
            "enough to work from every zone and halves the bill; it fails with its zone.",
            json_schema_extra=unit("zones"),
        ),
    ]
    flow_logs: Annotated[
        bool,
        Field(
            default=True,
            description="Record accepted and rejected connections in CloudWatch Logs (billed per "
            "GB ingested; nothing while no instance runs).",
        ),
    ]
    flow_log_retention_days: Annotated[
        LogRetentionDays,
        Field(
            default=30,
            description="How long flow logs are kept.",
            json_schema_extra=unit("days, a value that CloudWatch Logs accepts"),
        ),
    ]

    @property
    def interface_endpoint_zones(self) -> int:
        """Zones of what replaces a NAT gateway: none where there is one."""
        return 0 if self.egress == "nat_gateway" else self.endpoint_availability_zones

    @field_validator("cidr")
    @classmethod
    def _private_block(cls, value: str) -> str:
        network = IPv4Network(value)
        if not network.is_private or not 16 <= network.prefixlen <= 24:
            raise ValueError("must be a private range between /16 and /24, such as 10.0.0.0/16")
        return value

    @model_validator(mode="after")
    def _endpoints_in_zones_we_have(self) -> Self:
        if self.endpoint_availability_zones > self.availability_zones:
            raise ValueError(
                f"endpoint_availability_zones ({self.endpoint_availability_zones}) exceeds "
                f"availability_zones ({self.availability_zones}): lower the first or raise "
                "the second"
            )
        return self
