"""KMS keys of the customer's own, for what a stack keeps."""

from __future__ import annotations

from typing import Protocol

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from constructs import Construct


class KeptSettings(Protocol):
    """Settings of a capability that keeps data."""

    @property
    def customer_key(self) -> bool:
        """Whether to encrypt with a key of one's own."""

    @property
    def retain_data(self) -> bool:
        """Whether data outlives its stack, and so its key has to."""


def customer_key(
    scope: Construct, construct_id: str, *, settings: KeptSettings, holds: str
) -> kms.Key | None:
    """A key that is rotated every year, or none where AWS's own encrypts.

    It stays as long as what it encrypts: without its key, what was kept is lost.
    """
    if not settings.customer_key:
        return None
    return kms.Key(
        scope,
        construct_id,
        description=f"Groundwork: {holds}",
        enable_key_rotation=True,
        removal_policy=RemovalPolicy.RETAIN if settings.retain_data else RemovalPolicy.DESTROY,
    )
