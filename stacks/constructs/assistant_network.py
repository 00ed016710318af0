"""What the function `chat` needs when it is in the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

HTTPS = ec2.Port.tcp(443)
# Service of the endpoint -> what the function calls there, and on what. Models have no account, and
# a profile's are in other Regions too. Nothing is streamed: function URLs do not from a VPC.
CALLS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "bedrock-runtime": {
        "foundation-model": ("bedrock:InvokeModel",),
        "inference-profile": ("bedrock:InvokeModel",),
        "guardrail": ("bedrock:ApplyGuardrail",),
    },
    "bedrock-agent-runtime": {"knowledge-base": ("bedrock:Retrieve",)},
    "bedrock-agent": {"prompt": ("bedrock:GetPrompt",)},
}


class AssistantNetwork(Construct):
    """Security group of the function, and endpoints to Bedrock where no NAT gateway leads there.

    A function in a VPC reaches nothing outside by itself
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html). DynamoDB has the
    network's gateway endpoint. Three interface endpoints at 7.30 USD a month and zone: the cache
    in the network costs them too. Their policies let this account's principals make the
    function's calls alone (https://docs.aws.amazon.com/bedrock/latest/userguide/vpc-interface-endpoints.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        endpoint_zones: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self.security_group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=vpc,
            description="Function chat: HTTPS and its cache out, nothing in",
            allow_all_outbound=False,
        )
        # Any destination, for the reason in the network's construct: prefix lists differ by Region.
        self.security_group.add_egress_rule(
            ec2.Peer.any_ipv4(), HTTPS, "AWS services, through endpoints or NAT"
        )
        if not endpoint_zones:
            return
        group = ec2.SecurityGroup(
            self,
            "EndpointsSecurityGroup",
            vpc=vpc,
            description="Endpoints of Bedrock: HTTPS from the function chat",
            allow_all_outbound=False,
        )
        group.add_ingress_rule(self.security_group, HTTPS, "Function chat")
        zones = vpc.select_subnets(subnet_group_name=subnets.subnet_group_name).subnet_ids
        for service, calls in CALLS.items():
            self._endpoint(service, calls, vpc, zones[:endpoint_zones], group)

    def _endpoint(
        self,
        service: str,
        calls: Mapping[str, Sequence[str]],
        vpc: ec2.IVpc,
        subnet_ids: Sequence[str],
        group: ec2.ISecurityGroup,
    ) -> None:
        ours = {"StringEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}}
        ec2.CfnVPCEndpoint(
            self,
            service.title().replace("-", ""),
            vpc_id=vpc.vpc_id,
            vpc_endpoint_type="Interface",
            service_name=f"com.amazonaws.{Aws.REGION}.{service}",
            subnet_ids=list(subnet_ids),
            security_group_ids=[group.security_group_id],
            private_dns_enabled=True,
            policy_document=iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        principals=[iam.AnyPrincipal()],
                        actions=list(actions),
                        resources=[_any(kind)],
                        conditions=ours,
                    )
                    for kind, actions in calls.items()
                ]
            ),
        )


def _any(kind: str) -> str:
    """All resources of a kind in this account."""
    if kind == "foundation-model":
        return f"arn:{Aws.PARTITION}:bedrock:*::foundation-model/*"
    return f"arn:{Aws.PARTITION}:bedrock:{Aws.REGION}:{Aws.ACCOUNT_ID}:{kind}/*"
