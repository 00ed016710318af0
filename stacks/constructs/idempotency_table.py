"""What has been done already, for jobs whose effects must not happen twice."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.on_demand_table import on_demand_table

KEY_ATTRIBUTE = "id"
EXPIRY_ATTRIBUTE = "expires_at"


class IdempotencyTable(Construct):
    """A ledger of finished messages that forgets by time to live.

    On demand, so it costs nothing while nothing is written. Point-in-time recovery is on: a ledger
    that is lost lets effects happen twice.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, encryption_key: kms.IKey | None
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = on_demand_table(
            self,
            "Table",
            partition_key=KEY_ATTRIBUTE,
            expiry_attribute=EXPIRY_ATTRIBUTE,
            encryption_key=encryption_key,
        )
