"""The VPC of the fleet."""

from __future__ import annotations

from aws_cdk import Aws, Fn, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge
from stacks.constructs.log_group import log_group
from stacks.constructs.service_endpoints import ServiceEndpoints
from stacks.settings_network import NetworkSettings

HTTPS = ec2.Port.tcp(443)


class Network(Construct):
    """A VPC whose worker subnets have no route to the internet, unless a NAT gateway is chosen.

    Idle cost is what decides here: a NAT gateway bills around the clock, gateway endpoints for S3
    and DynamoDB are free
    (https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html), and interface
    endpoints bill per zone, so their number and zones are settings. Without a route to the internet
    a worker cannot be made to send documents anywhere else.

    The default security group is left as AWS makes it: CloudFormation cannot empty it without a
    custom resource, and nothing is a member of it (a property test holds that).

    Attributes: `vpc`; `worker_subnets`; `worker_security_group`, which instances join.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: NetworkSettings,
        session_manager: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        nat = settings.egress == "nat_gateway"
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(settings.cidr),
            availability_zones=[
                Fn.select(index, Fn.get_azs()) for index in range(settings.availability_zones)
            ],
            nat_gateways=1 if nat else 0,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Workers",
                    subnet_type=(
                        ec2.SubnetType.PRIVATE_WITH_EGRESS
                        if nat
                        else ec2.SubnetType.PRIVATE_ISOLATED
                    ),
                ),
                *(
                    [
                        ec2.SubnetConfiguration(
                            name="Gateways",
                            subnet_type=ec2.SubnetType.PUBLIC,
                            cidr_mask=28,
                            map_public_ip_on_launch=False,
                        )
                    ]
                    if nat
                    else []
                ),
            ],
        )
        self.worker_subnets = ec2.SubnetSelection(subnet_group_name="Workers")
        self.worker_security_group = ec2.SecurityGroup(
            self,
            "WorkerSecurityGroup",
            vpc=self.vpc,
            description="Workers of the fleet: HTTPS out, nothing in",
            allow_all_outbound=False,
        )
        # Any destination, because the prefix list of the S3 gateway endpoint has another id in
        # every Region and synth looks nothing up. The route tables decide what can be reached.
        # DNS, time and instance metadata pass security groups anyway:
        # https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html
        self.worker_security_group.add_egress_rule(
            ec2.Peer.any_ipv4(), HTTPS, "AWS services, through endpoints or NAT"
        )
        ServiceEndpoints(
            self,
            "Endpoints",
            vpc=self.vpc,
            subnets=self.worker_subnets,
            clients=self.worker_security_group,
            interface_zones=settings.interface_endpoint_zones,
            session_manager=session_manager,
        )
        if settings.flow_logs:
            self._flow_logs(retention_days=settings.flow_log_retention_days)
        else:
            acknowledge(
                self.vpc,
                "AwsSolutions::AwsSolutions-VPC7",
                reason="Flow logs are a setting (network.flow_logs), on unless turned off: they "
                "are billed per GB.",
            )

    def _flow_logs(self, *, retention_days: int) -> None:
        """Connections, accepted and rejected, in CloudWatch Logs.

        https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
        """
        group = log_group(
            self, "FlowLogs", retention_days=retention_days, removal_policy=RemovalPolicy.DESTROY
        )
        role = iam.Role(
            self,
            "FlowLogsRole",
            assumed_by=iam.ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            ),
            description="Lets VPC flow logs write to their log group",
            inline_policies={
                "write": iam.PolicyDocument(
                    statements=[
                        iam.PolicyStatement(
                            actions=[
                                "logs:CreateLogStream",
                                "logs:DescribeLogStreams",
                                "logs:PutLogEvents",
                            ],
                            resources=[group.log_group_arn],
                        ),
                    ]
                )
            },
        )
        self.vpc.add_flow_log(
            "FlowLog",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                group, role.without_policy_updates()
            ),
            traffic_type=ec2.FlowLogTrafficType.ALL,
        )
