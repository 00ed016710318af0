"""The resource types and properties that MiniStack lacks, through CloudFormation and the SDK."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.session import REPOSITORY, LocalAws
from tests.local.small_stack import Resources, Stack
from tests.stacks.synthesis import VARIANTS

pytestmark = pytest.mark.xdist_group("local-aws")

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.9.0.0/16"}}
SUBNET = {
    "Type": "AWS::EC2::Subnet",
    "Properties": {
        "VpcId": {"Ref": "Vpc"},
        "CidrBlock": "10.9.0.0/24",
        "AvailabilityZone": "eu-west-1a",
    },
}


@pytest.fixture(scope="session")
def known_types() -> set[str]:
    """Every type in the engine's table, read in a process of its own."""
    program = (
        "from local.types.registration import register; register()\n"
        "from local.types.handlers import table; print(*table(), sep='\\n')"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return set(outcome.stdout.split())


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_every_type_that_we_synthesize_is_known(
    assemblies: Path, known_types: set[str], variant: str
) -> None:
    used = {
        resource["Type"]
        for path in (assemblies / variant).glob("*.template.json")
        for resource in json.loads(path.read_text())["Resources"].values()
    }
    assert used
    # Custom resources are answered by a function of their stack.
    assert {each for each in used if not each.startswith("Custom::")} - known_types == set()


def test_an_unknown_type_is_refused_by_name_before_anything_is_made(
    stack: Stack, aws: LocalAws
) -> None:
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "never-made"}}
    with pytest.raises(ClientError, match="AWS::Groundwork::Nothing"):
        stack.deploy({"Queue": queue, "Nothing": {"Type": "AWS::Groundwork::Nothing"}})
    assert "never-made" not in str(aws.client("sqs").list_queues().get("QueueUrls"))


# Security group rules


def ingress(**properties: Any) -> Resources:
    group = {"GroupDescription": "g", "VpcId": {"Ref": "Vpc"}}
    rule = {
        "GroupId": {"Fn::GetAtt": ["Endpoints", "GroupId"]},
        "SourceSecurityGroupId": {"Fn::GetAtt": ["Workers", "GroupId"]},
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        **properties,
    }
    return {
        "Vpc": VPC,
        "Endpoints": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Workers": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule},
    }


def permissions(aws: LocalAws, stack: Stack) -> list[dict[str, Any]]:
    groups = aws.client("ec2").describe_security_groups(GroupIds=[stack.id_of("Endpoints")])
    return list(groups["SecurityGroups"][0]["IpPermissions"])


def test_what_another_stack_imports_is_neither_changed_nor_removed(
    aws: LocalAws, stack: Stack
) -> None:
    def topics(name: str) -> Resources:
        return {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}}

    exported = {"Name": {"Value": {"Fn::GetAtt": ["Topic", "TopicName"]},
                         "Export": {"Name": "exported-topic"}}}  # fmt: skip
    stack.deploy(topics("first"), outputs=exported)
    user = Stack(aws, "exports-user")
    parameter = {"Type": "String", "Value": {"Fn::ImportValue": "exported-topic"}}
    try:
        user.deploy({"Name": {"Type": "AWS::SSM::Parameter", "Properties": parameter}})
        with pytest.raises(AssertionError):
            stack.deploy(topics("second"), outputs=exported)
        assert "exported-topic cannot be updated as it is in use by exports-user" in stack.why()
        with pytest.raises(AssertionError):
            stack.deploy(topics("first"))
        assert "Cannot delete export exported-topic as it is in use" in stack.why()
    finally:
        user.delete()
    stack.deploy(topics("second"))
    exports = aws.client("cloudformation").list_exports()["Exports"]
    assert "exported-topic" not in {each["Name"] for each in exports}


def test_a_rule_beside_its_group_is_a_permission_of_the_group(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(ingress())
    (permission,) = permissions(aws, stack)
    assert (permission["FromPort"], permission["ToPort"]) == (443, 443)
    assert permission["UserIdGroupPairs"][0]["GroupId"] == stack.id_of("Workers")


def test_a_changed_rule_takes_the_place_of_the_old_one(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(ingress())
    first = stack.id_of("Rule")
    stack.deploy(ingress(FromPort=8443, ToPort=8443))
    (permission,) = permissions(aws, stack)
    assert permission["FromPort"] == 8443
    assert stack.id_of("Rule") != first


def test_a_removed_rule_is_gone(aws: LocalAws, stack: Stack) -> None:
    resources = ingress()
    stack.deploy(resources)
    del resources["Rule"]
    stack.deploy(resources)
    assert permissions(aws, stack) == []


def test_a_rule_of_a_group_that_is_not_there_fails_with_the_reason(stack: Stack) -> None:
    rule = ingress(GroupId="sg-nowhere")["Rule"]
    rule["Properties"]["SourceSecurityGroupId"] = "sg-nowhere"
    with pytest.raises(AssertionError):
        stack.deploy({"Rule": rule})
    assert "sg-nowhere" in stack.why()


# Network


def test_a_flow_log_is_recorded_and_removed(aws: LocalAws, stack: Stack) -> None:
    log = {
        "Type": "AWS::EC2::FlowLog",
        "Properties": {
            "ResourceId": {"Ref": "Vpc"},
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogGroupName": "flow",
            "DeliverLogsPermissionArn": "arn:aws:iam::000000000000:role/flow",
        },
    }
    stack.deploy({"Vpc": VPC, "Log": log})
    ec2 = aws.client("ec2")
    (found,) = ec2.describe_flow_logs(FlowLogIds=[stack.id_of("Log")])["FlowLogs"]
    assert found["ResourceId"] == stack.id_of("Vpc")
    assert found["LogDestination"] == "flow"
    identifier = stack.id_of("Log")
    stack.deploy({"Vpc": VPC})
    assert ec2.describe_flow_logs(FlowLogIds=[identifier])["FlowLogs"] == []


def test_a_nat_gateway_takes_its_address(aws: LocalAws, stack: Stack) -> None:
    gateway = {
        "SubnetId": {"Ref": "Subnet"},
        "AllocationId": {"Fn::GetAtt": ["Address", "AllocationId"]},
    }
    stack.deploy(
        {
            "Vpc": VPC,
            "Subnet": SUBNET,
            "Address": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
            "Gateway": {"Type": "AWS::EC2::NatGateway", "Properties": gateway},
        }
    )
    ec2 = aws.client("ec2")
    gateways = ec2.describe_nat_gateways(NatGatewayIds=[stack.id_of("Gateway")])["NatGateways"]
    assert gateways[0]["VpcId"] == stack.id_of("Vpc")
    public = stack.id_of("Address")
    assert public in {each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]}
    stack.delete()
    assert public not in {each["PublicIp"] for each in ec2.describe_addresses()["Addresses"]}


# Alarms


def alarm(**properties: Any) -> Resources:
    metric = {
        "Metric": {"Namespace": "AWS/SQS", "MetricName": "NumberOfMessagesSent"},
        "Period": 60,
        "Stat": "Sum",
    }
    return {
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 2,
                "Threshold": 1,
                "TreatMissingData": "notBreaching",
                "Metrics": [
                    {"Id": "sent", "MetricStat": metric, "ReturnData": False},
                    {"Id": "double", "Expression": "sent * 2"},
                ],
                **properties,
            },
        }
    }


def test_an_alarm_on_metric_math_is_kept_as_it_is(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(alarm())
    cloudwatch = aws.client("cloudwatch")
    (found,) = cloudwatch.describe_alarms(AlarmNames=[stack.id_of("Alarm")])["MetricAlarms"]
    assert [each["Id"] for each in found["Metrics"]] == ["sent", "double"]
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert "MetricName" not in found


def test_an_alarm_that_mixes_math_and_a_metric_is_refused(stack: Stack) -> None:
    with pytest.raises(AssertionError):
        stack.deploy(alarm(MetricName="NumberOfMessagesSent", Namespace="AWS/SQS"))
    assert "Metrics cannot be combined with MetricName" in stack.why()


def test_putting_a_metric_does_not_change_an_alarm_by_itself(aws: LocalAws, stack: Stack) -> None:
    single = alarm(MetricName="Load", Namespace="Test", Period=60, Statistic="Sum")
    del single["Alarm"]["Properties"]["Metrics"]
    stack.deploy(single)
    cloudwatch = aws.client("cloudwatch")
    datum = {
        "MetricName": "Load",
        "Value": 100.0,
        "Dimensions": [{"Name": "Other", "Value": "thing"}],
    }
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[datum])
    (found,) = cloudwatch.describe_alarms(AlarmNames=[stack.id_of("Alarm")])["MetricAlarms"]
    assert found["StateValue"] == "INSUFFICIENT_DATA"


# Buckets, tables, topics


def bucket(**properties: Any) -> Resources:
    return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}


def test_a_bucket_keeps_encryption_lifecycle_logging_ownership_and_tags(
    aws: LocalAws, stack: Stack
) -> None:
    rule = {
        "Id": "tidy",
        "Status": "Enabled",
        "ExpiredObjectDeleteMarker": True,
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    }
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/key"}
    encryption = [{"BucketKeyEnabled": True, "ServerSideEncryptionByDefault": default}]
    resources = bucket(
        BucketEncryption={"ServerSideEncryptionConfiguration": encryption},
        LifecycleConfiguration={"Rules": [rule]},
        LoggingConfiguration={"DestinationBucketName": "logs", "LogFilePrefix": "b/"},
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
        Tags=[{"Key": "Stage", "Value": "dev"}],
    )
    stack.deploy(resources)
    s3, name = aws.client("s3"), stack.id_of("Bucket")
    (kept,) = s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
    assert kept["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert kept["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert kept["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]["TargetBucket"] == "logs"
    encrypted = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]
    assert encrypted["Rules"][0]["ApplyServerSideEncryptionByDefault"] == default
    owned = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert owned["Rules"][0]["ObjectOwnership"] == "BucketOwnerPreferred"
    tags = s3.get_bucket_tagging(Bucket=name)["TagSet"]
    assert {"Key": "Stage", "Value": "dev"} in tags

    del resources["Bucket"]["Properties"]["LifecycleConfiguration"]
    stack.deploy(resources)
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=name)


def test_a_lifecycle_rule_that_is_not_played_is_refused_by_name(stack: Stack) -> None:
    rule = {"Status": "Enabled", "TagFilters": [{"Key": "a", "Value": "b"}]}
    with pytest.raises(AssertionError):
        stack.deploy(bucket(LifecycleConfiguration={"Rules": [rule]}))
    assert "LifecycleConfiguration.Rules.TagFilters" in stack.why()


def test_a_bucket_that_holds_a_version_is_not_deleted(aws: LocalAws, stack: Stack) -> None:
    stack.deploy(bucket(VersioningConfiguration={"Status": "Enabled"}))
    s3, name = aws.client("s3"), stack.id_of("Bucket")
    version = s3.put_object(Bucket=name, Key="a", Body=b"a")["VersionId"]
    marker = s3.delete_object(Bucket=name, Key="a")["VersionId"]
    assert stack.delete() == "DELETE_FAILED"
    assert "not empty" in stack.why()
    s3.delete_object(Bucket=name, Key="a", VersionId=version)
    s3.delete_object(Bucket=name, Key="a", VersionId=marker)
    assert stack.delete() == "DELETE_COMPLETE"


def table(**properties: Any) -> Resources:
    return {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
                **properties,
            },
        }
    }


def test_a_table_keeps_time_to_live_recovery_and_key(aws: LocalAws, stack: Stack) -> None:
    key = "arn:aws:kms:eu-west-1:000000000000:key/k"
    stack.deploy(
        table(
            TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            SSESpecification={"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        )
    )
    dynamodb, name = aws.client("dynamodb"), stack.id_of("Table")
    lives = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lives == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName=name)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    described = dynamodb.describe_table(TableName=name)["Table"]
    assert described["SSEDescription"]["KMSMasterKeyArn"] == key
    stack.deploy(table())
    lives = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert lives["TimeToLiveStatus"] == "DISABLED"


def test_a_topic_keeps_its_key(aws: LocalAws, stack: Stack) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/key"}}
    stack.deploy({"Topic": topic})
    found = aws.client("sns").get_topic_attributes(TopicArn=stack.id_of("Topic"))["Attributes"]
    assert found["KmsMasterKeyId"] == "alias/key"


def test_the_parameters_that_name_amazon_linux_are_there(aws: LocalAws) -> None:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    found = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert found.startswith("ami-")
    with pytest.raises(ClientError):
        aws.client("ssm").put_parameter(Name=f"{name}-mine", Value="x", Type="String")


FUNCTION_ROLE = "arn:aws:iam::000000000000:role/any"


def failing_function() -> Resources:
    """A function that a rule invokes by an alias, whose failures go to a queue."""
    return {
        "Failures": {"Type": "AWS::SQS::Queue"},
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Code": {
                    "ZipFile": "def handler(event, context):\n"
                    "    raise ValueError(context.invoked_function_arn)\n"
                },
                "Handler": "index.handler",
                "Role": FUNCTION_ROLE,
                "Runtime": "python3.13",
                "ReservedConcurrentExecutions": 7,
            },
        },
        "Version": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Function"}},
        },
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                "Name": "live",
            },
        },
        "Asynchronously": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "DependsOn": "Alias",
            "Properties": {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "live",
                "MaximumRetryAttempts": 0,
                "DestinationConfig": {
                    "OnFailure": {"Destination": {"Fn::GetAtt": ["Failures", "Arn"]}}
                },
            },
        },
        "Rule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventPattern": {"source": ["test.functions"]},
                "Targets": [{"Id": "Function", "Arn": {"Ref": "Alias"}}],
            },
        },
    }


def test_what_a_rule_invokes_in_vain_goes_to_the_alias_s_destination(
    aws: LocalAws, stack: Stack
) -> None:
    stack.deploy(failing_function())
    event = {"Source": "test.functions", "DetailType": "x", "Detail": "{}"}
    aws.client("events").put_events(Entries=[event])
    sqs = aws.client("sqs")
    received = sqs.receive_message(QueueUrl=stack.id_of("Failures"), WaitTimeSeconds=20)
    (message,) = received["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"]["source"] == "test.functions"
    assert record["responsePayload"]["errorMessage"].endswith(":live")
    counted = aws.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="Errors",
        Dimensions=[{"Name": "FunctionName", "Value": stack.id_of("Function")}],
        StartTime=time.time() - 600,
        EndTime=time.time() + 600,
        Period=1200,
        Statistics=["Sum", "SampleCount"],
    )["Datapoints"]
    assert sum(each["Sum"] for each in counted) == 1
    assert sum(each["SampleCount"] for each in counted) == 1


def test_reserved_concurrency_follows_the_template(aws: LocalAws, stack: Stack) -> None:
    resources = failing_function()
    stack.deploy(resources)
    name = stack.id_of("Function")
    concurrency = aws.client("lambda").get_function_concurrency
    assert concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 7
    del resources["Function"]["Properties"]["ReservedConcurrentExecutions"]
    stack.deploy(resources)
    assert "ReservedConcurrentExecutions" not in concurrency(FunctionName=name)


def scaled(resource: object, least: int = 1) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "DependsOn": "Alias",
        "Properties": {
            "ServiceNamespace": "lambda",
            "ScalableDimension": "lambda:function:ProvisionedConcurrency",
            "ResourceId": resource,
            "MinCapacity": least,
            "MaxCapacity": 4,
        },
    }


@pytest.mark.parametrize(
    ("resource", "least", "said"),
    [
        pytest.param("function:nobody:live", 1, "is no alias of a function", id="nobody"),
        pytest.param(
            {"Fn::Join": [":", ["function", {"Ref": "Function"}, "live"]]},
            1,
            "No Provisioned Concurrency Config found",
            id="on-demand",
        ),
        pytest.param("function:nobody:live", 5, "less than minimum capacity", id="range"),
    ],
)
def test_only_what_is_provisioned_can_be_scaled(
    stack: Stack, resource: object, least: int, said: str
) -> None:
    with pytest.raises(AssertionError):
        stack.deploy({**failing_function(), "Target": scaled(resource, least)})
    assert said in stack.why()


def visible(name: str) -> dict[str, Any]:
    return {"CloudWatchMetricsEnabled": True, "MetricName": name, "SampledRequestsEnabled": True}


def test_a_web_acl_is_put_in_front_and_taken_away(aws: LocalAws, stack: Stack) -> None:
    acl = {
        "Type": "AWS::WAFv2::WebACL",
        "Properties": {
            "Scope": "REGIONAL",
            "DefaultAction": {"Allow": {}},
            "Rules": [],
            "VisibilityConfig": visible("Acl"),
        },
    }
    api = "arn:aws:appsync:eu-west-1:000000000000:apis/sample"
    association = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {"ResourceArn": api, "WebACLArn": {"Fn::GetAtt": ["Acl", "Arn"]}},
    }
    client = aws.client("wafv2")
    stack.deploy({"Acl": acl, "Association": association})
    found = client.get_web_acl_for_resource(ResourceArn=api)["WebACL"]
    assert found["ARN"] == client.list_web_acls(Scope="REGIONAL")["WebACLs"][0]["ARN"]
    stack.deploy({"Acl": acl})
    with pytest.raises(ClientError, match="WAFNonexistentItem"):
        client.get_web_acl_for_resource(ResourceArn=api)


def test_the_log_of_a_web_acl_has_the_name_that_waf_wants(stack: Stack) -> None:
    logging = {
        "Type": "AWS::WAFv2::LoggingConfiguration",
        "Properties": {
            "ResourceArn": "arn:aws:wafv2:eu-west-1:000000000000:regional/webacl/a/1",
            "LogDestinationConfigs": ["arn:aws:logs:eu-west-1:000000000000:log-group:requests"],
        },
    }
    with pytest.raises(AssertionError):
        stack.deploy({"Logging": logging})
    assert "must begin with aws-waf-logs-" in stack.why()
