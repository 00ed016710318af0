"""How far ingestion is."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge

# lambda_src/ingestion/__init__.py describes the items.
PARTITION_KEY = "id"


class KnowledgeTable(Construct):
    """One item, written by ingestion and read with every question, and one that says how far the
    report of failures is: on demand, so next to free.

    What is in it can be read from Bedrock again, so it needs neither copies nor a longer life than
    its stack.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(
                name=PARTITION_KEY, type=dynamodb.AttributeType.STRING
            ),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,
        )
        acknowledge(
            self.table,
            "AwsSolutions::AwsSolutions-DDB3",
            reason="The progress of ingestion is what Bedrock says it is, and is read again from "
            "there: there is nothing to recover.",
        )
