"""Breaks of network and buckets, with the rule that has to notice."""

from __future__ import annotations

from tests.stacks.mutating import (
    BUCKET,
    Case,
    changed,
    custom_resource,
    drop_tls,
    extra_endpoint,
    one,
    open_endpoint,
    open_port,
    route_out,
    without,
)
from tests.stacks.reading import resources

SURROUNDING_MUTATIONS: list[Case] = [
    ("an open port", "Network", open_port, "check_no_open_ports"),
    (
        "any protocol out",
        "Network",
        lambda t: one(t, "AWS::EC2::SecurityGroup", "Worker")["SecurityGroupEgress"][0].update(
            FromPort=0, ToPort=65535
        ),
        "check_no_open_ports",
    ),
    (
        "no endpoint for S3",
        "Network",
        without("AWS::EC2::VPCEndpoint", "VpcS3"),
        "check_gateway_endpoints",
    ),
    (
        "no endpoint for SQS",
        "Network",
        without("AWS::EC2::VPCEndpoint", "Sqs"),
        "check_one_way_out",
    ),
    ("an endpoint too many", "Network", extra_endpoint, "check_one_way_out"),
    ("a way to the internet", "Network", route_out, "check_one_way_out"),
    ("an endpoint for everybody", "Network", open_endpoint, "check_endpoint_policies"),
    (
        "endpoint without its name",
        "Network",
        changed("AWS::EC2::VPCEndpoint", "Logs", "PrivateDnsEnabled", False),
        "check_private_dns",
    ),
    (
        "public addresses",
        "Network",
        changed("AWS::EC2::Subnet", "Workers", "MapPublicIpOnLaunch", True),
        "check_no_public_addresses",
    ),
    ("no flow log", "Network", without("AWS::EC2::FlowLog", ""), "check_flow_logs"),
    ("no versions", "Documents", without(BUCKET, "", "VersioningConfiguration"), "check_buckets"),
    (
        "a public bucket",
        "Documents",
        changed(BUCKET, "", "PublicAccessBlockConfiguration", "BlockPublicPolicy", False),
        "check_buckets",
    ),
    ("no lifecycle", "Documents", without(BUCKET, "", "LifecycleConfiguration"), "check_buckets"),
    (
        "uploads unannounced",
        "Documents",
        without(BUCKET, "BucketsDocuments", "NotificationConfiguration"),
        "check_uploads_are_announced",
    ),
    (
        "a fixed bucket name",
        "Documents",
        changed(BUCKET, "", "BucketName", "documents"),
        "check_names_are_free",
    ),
    ("a custom resource", "Documents", custom_resource, "check_no_custom_resources"),
    (
        "member of the default group",
        "Network",
        lambda t: one(t, "AWS::EC2::VPCEndpoint", "Sqs").update(
            SecurityGroupIds=[{"Fn::GetAtt": ["NetworkVpc7FB7348F", "DefaultSecurityGroup"]}]
        ),
        "check_default_security_group_is_unused",
    ),
    (
        "workers in one zone",
        "Network",
        lambda t: [
            t["Resources"].pop(name)
            for name in [n for n in resources(t, "AWS::EC2::Subnet") if "Subnet2" in n]
        ],
        "check_worker_subnets",
    ),
    (
        "an output less",
        "Documents",
        lambda t: t["Outputs"].pop("DocumentsBucketName"),
        "check_document_outputs",
    ),
    ("bucket without TLS", "Documents", drop_tls("AWS::S3::BucketPolicy", ""), "check_only_tls"),
]
