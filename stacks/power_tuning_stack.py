"""AWS Lambda Power Tuning, for the time that it is needed."""

from __future__ import annotations

from typing import Any

from aws_cdk import ArnFormat, CfnOutput, Stack
from aws_cdk import aws_sam as sam
from constructs import Construct

# https://serverlessrepo.aws.amazon.com/applications/us-east-1/451282441545/aws-lambda-power-tuning
APPLICATION = "arn:aws:serverlessrepo:us-east-1:451282441545:applications/aws-lambda-power-tuning"
VERSION = "4.4.0"


class PowerTuningStack(Stack):
    """The published application, allowed to invoke and change the functions of one stack alone.

    It takes one pattern for what it may touch; names of functions begin with their stack's name.
    A stack of its own: an application from the Serverless Application Repository needs the SAM
    transform, which every other resource of its stack would pass through, and it is removed after
    use. docs/cold-starts.md says how to run it and how to read what it finds.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        functions_stack: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope, construct_id, description="Groundwork: AWS Lambda Power Tuning", **kwargs
        )
        application = sam.CfnApplication(
            self,
            "Application",
            location=sam.CfnApplication.ApplicationLocationProperty(
                application_id=APPLICATION, semantic_version=VERSION
            ),
            parameters={
                "lambdaResource": self.format_arn(
                    service="lambda",
                    resource="function",
                    resource_name=f"{functions_stack}-*",
                    arn_format=ArnFormat.COLON_RESOURCE_NAME,
                ),
                "PowerValues": "128,256,512,1024,1769,3008",
            },
        )
        CfnOutput(
            self,
            "StateMachineArn",
            value=application.get_att("Outputs.StateMachineARN").to_string(),
        )
