"""Deploy, change, destroy and redeploy every stack through the real CDK CLI."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.session import LocalAws, LocalAwsError
from tests.stacks.synthesis import STACKS

pytestmark = pytest.mark.xdist_group("local-aws")


def stacks(aws: LocalAws) -> Mapping[str, str]:
    """The state of our stacks."""
    found: dict[str, str] = aws.control("status")["stacks"]
    return {name: state for name, state in found.items() if name.startswith("Groundwork-")}


def expected(state: str, stage: str = "dev") -> dict[str, str]:
    return {f"Groundwork-{stage}-{name}": state for name in STACKS}


def launch_template(aws: LocalAws) -> Mapping[str, Any]:
    ec2 = aws.client("ec2")
    (template,) = ec2.describe_launch_templates()["LaunchTemplates"]
    versions = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
    )
    return dict(versions["LaunchTemplateVersions"][0])


def group(aws: LocalAws, stage: str = "dev") -> Mapping[str, Any]:
    (found,) = aws.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[f"Groundwork-{stage}-Fleet-Workers"]
    )["AutoScalingGroups"]
    return dict(found)


def tables(aws: LocalAws) -> list[str]:
    found: list[str] = aws.client("dynamodb").list_tables()["TableNames"]
    return found


def received(aws: LocalAws, queue_url: str) -> dict[str, Any]:
    """The next message, within ten seconds."""
    answer = aws.client("sqs").receive_message(QueueUrl=queue_url, WaitTimeSeconds=10)
    (message,) = answer["Messages"]
    return dict(json.loads(message["Body"]))


def test_deploy_change_destroy_and_redeploy(aws: LocalAws, assemblies: Path) -> None:
    def deploy(variant: str, *names: str) -> str:
        outcome = aws.cdk("deploy", *(names or ["--all"]), "--app", str(assemblies / variant))
        return outcome.stdout + outcome.stderr

    deploy("dev")
    assert stacks(aws) == expected("CREATE_COMPLETE")
    outputs = aws.outputs("Groundwork-dev-Fleet")
    first = launch_template(aws)
    assert first["VersionNumber"] == 1

    # What is deployed works: an upload becomes a message
    bucket = aws.outputs("Groundwork-dev-Documents")["DocumentsBucketName"]
    s3 = aws.client("s3")
    s3.put_object(Bucket=bucket, Key="elsewhere/a.txt", Body=b"not announced")
    s3.put_object(Bucket=bucket, Key="incoming/a.txt", Body=b"announced")
    event = received(aws, outputs["QueueUrl"])
    assert event["detail"]["object"]["key"] == "incoming/a.txt"
    aws.client("sqs").purge_queue(QueueUrl=outputs["QueueUrl"])

    # The same again changes nothing
    said = deploy("dev")
    assert said.count("no changes") == len(STACKS)
    assert stacks(aws) == expected("CREATE_COMPLETE")
    assert launch_template(aws) == first

    # Other code: a new version of the launch template, which the group uses
    deploy("other-code")
    second = launch_template(aws)
    assert second["VersionNumber"] == 2
    assert second["LaunchTemplateData"]["UserData"] != first["LaunchTemplateData"]["UserData"]
    mixed = group(aws)["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    assert mixed["Version"] == "2"
    assert stacks(aws)["Groundwork-dev-Network"] == "CREATE_COMPLETE"
    assert stacks(aws)["Groundwork-dev-Fleet"] == "UPDATE_COMPLETE"

    # Other settings: keys of the customer, a table, a subscription; the queue stays the same one.
    # Not of Knowledge and what imports it: another vector store is another knowledge base.
    changed = [f"Groundwork-dev-{name}" for name in ("Fleet", "Functions", "Offline")]
    deploy("keys", *changed)
    assert aws.outputs("Groundwork-dev-Fleet")["QueueUrl"] == outputs["QueueUrl"]
    attributes = aws.client("sqs").get_queue_attributes(
        QueueUrl=outputs["QueueUrl"], AttributeNames=["All"]
    )["Attributes"]
    assert attributes["KmsMasterKeyId"].startswith("arn:aws:kms:")
    (table,) = (name for name in tables(aws) if "Idempotency" in name)
    (subscription,) = aws.client("sns").list_subscriptions()["Subscriptions"]
    assert subscription["Endpoint"] == "somebody@example.com"

    # Back again, which deletes what the settings had added: first where it is imported
    deploy("dev", "--exclusively", *changed)
    deploy("dev")
    assert table not in tables(aws)

    # A bucket that holds documents is not destroyed
    app = ("--app", str(assemblies / "dev"))
    refused = aws.cdk("destroy", "--all", *app, check=False)
    assert refused.returncode != 0
    assert "not empty" in refused.stdout + refused.stderr
    empty(aws, bucket)

    # Destroyed, nothing is left but the keys, which wait for their deletion
    aws.cdk("destroy", "--all", *app)
    assert stacks(aws) == expected("DELETE_COMPLETE")
    assert_nothing_is_left(aws)

    # And once more from nothing, from the app itself as `make deploy LOCAL=1` does
    aws.cdk("deploy", "--all", "-c", "stage=dev")
    assert stacks(aws) == expected("CREATE_COMPLETE")
    aws.cdk("destroy", "--all", *app)
    assert_nothing_is_left(aws)


def empty(aws: LocalAws, bucket: str) -> None:
    """Delete every version of every object."""
    s3 = aws.client("s3")
    found = s3.list_object_versions(Bucket=bucket)
    for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
        s3.delete_object(Bucket=bucket, Key=each["Key"], VersionId=each["VersionId"])


def assert_nothing_is_left(aws: LocalAws) -> None:
    assert not aws.client("sqs").list_queues().get("QueueUrls")
    assert not aws.client("ec2").describe_launch_templates()["LaunchTemplates"]
    assert not aws.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    assert not aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert not aws.client("sns").list_topics()["Topics"]
    vpcs = aws.client("ec2").describe_vpcs()["Vpcs"]
    assert [each for each in vpcs if not each["IsDefault"]] == []
    assert not aws.client("ec2").describe_vpc_endpoints()["VpcEndpoints"]
    named = [each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]]
    # What was measured of answers is kept on purpose, where it is measured.
    kept = "groundwork-dev-assistant-evaluationbucket"
    left = [name for name in named if name.startswith("groundwork-dev")]
    assert [name for name in left if not name.startswith(kept)] == []


def test_a_stack_that_fails_says_why_and_leaves_the_cli_with_an_error(
    aws: LocalAws, tmp_path: Path
) -> None:
    template = tmp_path / "Broken.template.json"
    template.write_text(json.dumps({"Resources": {"R": {"Type": "AWS::Groundwork::Nothing"}}}))
    stack = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": template.name},
    }
    manifest = {"version": "36.0.0", "artifacts": {"Broken": stack}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(LocalAwsError, match="AWS::Groundwork::Nothing"):
        aws.cdk("deploy", "Broken", "--app", str(tmp_path))


@pytest.mark.slow
def test_prod_deploys_and_destroys(
    tmp_path_factory: pytest.TempPathFactory, assemblies: Path
) -> None:
    """With instances at work: a minimum of two, which start and are gone in the end."""
    state = tmp_path_factory.mktemp("prod") / "state"
    with LocalAws(state=state, time_scale=10) as aws:
        app = str(assemblies / "prod")
        aws.cdk("deploy", "--all", "--app", app)
        assert stacks(aws) == expected("CREATE_COMPLETE", "prod")
        deadline = time.monotonic() + 60
        while len(group(aws, "prod")["Instances"]) < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert len(group(aws, "prod")["Instances"]) == 2
        # Buckets and tables are retained in prod, and the stack is protected
        for stack in expected("", "prod"):
            aws.client("cloudformation").update_termination_protection(
                StackName=stack, EnableTerminationProtection=False
            )
        aws.cdk("destroy", "--all", "--app", app)
        assert stacks(aws) == expected("DELETE_COMPLETE", "prod")
