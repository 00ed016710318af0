"""What Lambda may do in a network with the role of a function."""

from __future__ import annotations

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledged import acknowledge_wildcard
from stacks.constructs.escape_hatch import resource_of

# What CreateNetworkInterface is about; the other actions are about the first alone.
KINDS = ("network-interface", "security-group", "subnet")
MAKES = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:UnassignPrivateIpAddresses",
)
LOOKS = ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets")


def may_join_network(scope: Construct) -> list[iam.PolicyStatement]:
    """Lambda makes the network interfaces of a function with its role; which, nobody knows before.

    The function's code has that role too, and is denied all of it: Lambda's own requests for
    interfaces do not carry the ARN of a function, those of code do. Which function's it is does not
    matter, because one function has the role; so its name need not be known before there is one.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
    https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    """
    stack = Stack.of(scope)
    any_function = stack.format_arn(
        service="lambda",
        resource="function",
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
    return [
        iam.PolicyStatement(
            actions=list(MAKES),
            resources=[
                stack.format_arn(service="ec2", resource=kind, resource_name="*") for kind in KINDS
            ],
        ),
        iam.PolicyStatement(actions=list(LOOKS), resources=["*"]),
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=[*MAKES, *LOOKS],
            resources=["*"],
            conditions={"ArnLike": {"lambda:SourceFunctionArn": any_function}},
        ),
    ]


def may_leave_network(
    scope: Construct, *, role: iam.IRole, security_group: ec2.ISecurityGroup
) -> None:
    """The same permissions again, for as long as there is the security group.

    A function that leaves a network leaves its interfaces to Lambda, which deletes them within
    20 minutes, with the function's role
    (https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-enis).
    By then a deployment has taken the role's own permission, since roles are changed before the
    functions that have them; and a group that an interface is in cannot be deleted. This policy is
    a resource of its own that the group depends on, so CloudFormation deletes it after the group.
    """
    policy = iam.CfnPolicy(
        scope,
        "Leaving",
        policy_name="leaving",
        roles=[role.role_name],
        policy_document=iam.PolicyDocument(statements=may_join_network(scope)),
    )
    accept(policy)
    acknowledge_wildcard(
        policy, "*", reason="The actions by which Lambda looks at the network know no resources."
    )
    resource_of(security_group, ec2.CfnSecurityGroup).add_resource_dependency(policy)


def accept(construct: Construct) -> None:
    """Acknowledge what judges find in `may_join_network` and is meant."""
    for kind in KINDS:
        acknowledge_wildcard(
            construct,
            f"arn:<AWS::Partition>:ec2:<AWS::Region>:<AWS::AccountId>:{kind}/*",
            reason="Lambda makes the function's network interfaces, whose ids are not known "
            "before, in subnets and groups that the function names.",
        )
