"""The CloudFormation resource behind an L2 construct, for what the construct does not offer."""

from __future__ import annotations

from typing import TypeVar

from aws_cdk import CfnResource
from constructs import IConstruct

Resource = TypeVar("Resource", bound=CfnResource)


def resource_of(construct: IConstruct, kind: type[Resource]) -> Resource:
    """https://docs.aws.amazon.com/cdk/v2/guide/cfn-layer.html"""
    resource = construct.node.default_child
    assert isinstance(resource, kind)
    return resource
