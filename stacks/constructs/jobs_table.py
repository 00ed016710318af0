"""How far jobs are: what the API submitted, and what the fleet finished."""

from __future__ import annotations

from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.on_demand_table import on_demand_table

# lambda_src/jobs/__init__.py describes the items.
PARTITION_KEY, SORT_KEY = "job", "document"
EXPIRY_ATTRIBUTE = "expires_at"
UNRECOVERED = (
    "Recovery is a setting (fleet.job_recovery), on in prod. What is lost in dev is the progress "
    "of jobs, not a document."
)


class JobsTable(Construct):
    """One table that forgets by time to live, on demand: free while nothing is submitted.

    It belongs to the fleet, which writes most of it, so that stacks depend on each other one way
    only: the API comes after the fleet, whose queue it needs as well.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey | None,
        point_in_time_recovery: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.table = on_demand_table(
            self,
            "Table",
            partition_key=PARTITION_KEY,
            sort_key=SORT_KEY,
            expiry_attribute=EXPIRY_ATTRIBUTE,
            encryption_key=encryption_key,
            unrecovered="" if point_in_time_recovery else UNRECOVERED,
        )
