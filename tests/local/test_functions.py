"""The deployed functions on the local AWS: pings that fire by themselves, a job from end to end.

Time is compressed sixty times for what AWS decides, so a rule of eight minutes fires every eight
seconds; programs run in real time. What is looked at are the functions' own lines.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from local.jobs_client import STACK, JobsApi, wait_for
from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("functions")

SCALE = 60
COPIES = 3
ROUND_SECONDS = 8
PINGS = (f"jobs.warm_copies={COPIES}", f"jobs.warm_minutes={ROUND_SECONDS}")
FLEET = (
    "fleet.acceptable_latency_seconds=6",
    "fleet.max_instances=1",
    "fleet.wait_time_seconds=1",
    "fleet.max_receive_count=2",
)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS with the functions and what they need."""
    state = tmp_path_factory.mktemp("functions") / "state"
    with LocalAws(state=state, time_scale=SCALE) as running:
        deploy(running, *PINGS)
        yield running


@pytest.fixture
def jobs(aws: LocalAws) -> JobsApi:
    return JobsApi(aws)


def deploy(aws: LocalAws, *settings: str) -> None:
    context = [part for each in (*FLEET, *settings) for part in ("-c", each)]
    aws.cdk("deploy", STACK, "-c", "stage=dev", *context)


def rounds(jobs: JobsApi) -> list[list[dict[str, Any]]]:
    """The pings of the version that is live, by round."""
    lines = jobs.lines("warm ping", version=jobs.version)
    return [lines[start : start + COPIES] for start in range(0, len(lines), COPIES)]


def wait_until_between_rounds(jobs: JobsApi) -> None:
    """While a ping is answered, its copy takes no request: that is what the hold is for."""

    def quiet() -> bool:
        found = rounds(jobs)
        if not found or len(found[-1]) < COPIES:
            return False
        since = time.time() - found[-1][-1]["_aws"]["Timestamp"] / 1000
        return 0.5 < since < ROUND_SECONDS - 2

    wait_for(quiet, timeout=60)


def test_the_rule_fires_by_itself_and_warms_distinct_copies_of_the_alias(jobs: JobsApi) -> None:
    wait_for(lambda: len(jobs.lines("warm ping")) >= 2 * COPIES, timeout=60)
    first, second = rounds(jobs)[:2]
    for pings in (first, second):
        assert len({each["copy"] for each in pings}) == COPIES
        assert {each["qualifier"] for each in pings} == {"live"}
    assert [each["WarmPingColdStart"] for each in first] == [1] * COPIES
    assert [each["WarmPingColdStart"] for each in second] == [0] * COPIES
    assert {each["copy"] for each in first} == {each["copy"] for each in second}


def test_a_request_afterwards_is_served_warm(aws: LocalAws, jobs: JobsApi) -> None:
    wait_until_between_rounds(jobs)
    warmed = rounds(jobs)[0]
    assert jobs.call("GET", "/jobs/none").status == 404
    served = jobs.lines("invocation", version=jobs.version)[-1]
    assert served["ColdStart"] == 0
    assert served["copy"] in {each["copy"] for each in warmed}
    metrics = aws.client("cloudwatch").list_metrics(Namespace="Groundwork/Functions")["Metrics"]
    assert {each["MetricName"] for each in metrics} >= {"ColdStart", "WarmPing", "InitDuration"}


def test_a_request_without_a_signature_is_refused(jobs: JobsApi) -> None:
    assert jobs.call("GET", "/jobs/none", signed=False).status == 403


def test_a_job_goes_from_the_api_over_the_queue_and_the_worker_back(
    aws: LocalAws, jobs: JobsApi
) -> None:
    bucket = aws.outputs("Groundwork-dev-Documents")["DocumentsBucketName"]
    keys = [f"job/{number}.md" for number in range(12)]
    for key in keys:
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=b"# Title\n\nText.\n")
    foreign = {"key": "job/a.md", "bucket": "of-somebody-else"}
    content = {"documents": [*({"key": key} for key in keys), foreign]}
    answered = jobs.call("POST", "/jobs", content, Idempotency_Key="once")
    assert (answered.status, answered.content["queued"]) == (202, 13)
    again = jobs.call("POST", "/jobs", content, Idempotency_Key="once")
    assert again.content["job"] == answered.content["job"]
    path = f"/jobs/{answered.content['job']}"
    finished = wait_for(
        lambda: (found := jobs.call("GET", path).content)["status"] == "finished" and found,
        timeout=90,
    )
    assert (finished["total"], finished["done"]) == (13, 12)
    (rejected,) = finished["rejected"]
    assert (rejected["index"], rejected["key"]) == (12, "job/a.md")
    assert "of-somebody-else" in rejected["reason"]


def test_without_the_rule_the_first_request_of_a_version_is_cold(
    aws: LocalAws, jobs: JobsApi
) -> None:
    deploy(aws, "jobs.cold_starts=none", "jobs.memory_mb=256")
    rules = aws.client("events").list_rules()["Rules"]
    assert not [each for each in rules if "ScheduleExpression" in each]
    jobs.call("GET", "/jobs/none")
    jobs.call("GET", "/jobs/none")
    served = jobs.lines("invocation", version=jobs.version)
    assert [each["ColdStart"] for each in served] == [1, 0]
    assert served[0]["InitDuration"] > 0
    assert jobs.lines("warm ping", version=jobs.version) == []


def test_with_the_rule_the_first_request_of_a_version_is_warm(aws: LocalAws, jobs: JobsApi) -> None:
    deploy(aws, *PINGS, "jobs.memory_mb=384")
    wait_until_between_rounds(jobs)
    jobs.call("GET", "/jobs/none")
    (served,) = jobs.lines("invocation", version=jobs.version)
    assert served["ColdStart"] == 0


@pytest.mark.slow
def test_provisioned_copies_are_recorded_and_snapshots_are_made(
    aws: LocalAws, jobs: JobsApi
) -> None:
    deploy(aws, "jobs.cold_starts=provisioned", "jobs.busy_capacity=4")
    recorded = aws.client("lambda").get_provisioned_concurrency_config(
        FunctionName=jobs.name, Qualifier="live"
    )
    assert recorded["RequestedProvisionedConcurrentExecutions"] == 1
    scaling = aws.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"]
    assert target["ResourceId"] == f"function:{jobs.name}:live"
    assert len(scaling.describe_scheduled_actions(ServiceNamespace="lambda")["ScheduledActions"])
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="lambda")["ScalingPolicies"]
    assert policy["PolicyType"] == "TargetTrackingScaling"
    deploy(aws, "jobs.cold_starts=snapstart")
    assert scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []
    published = aws.client("lambda").get_function_configuration(
        FunctionName=jobs.name, Qualifier=jobs.version
    )
    assert published["SnapStart"]["OptimizationStatus"] == "On"
    assert jobs.call("GET", "/jobs/none").status == 404


@pytest.mark.slow
def test_nothing_is_left_of_a_deleted_stack(aws: LocalAws) -> None:
    aws.cdk("destroy", STACK, "-c", "stage=dev")
    assert aws.client("lambda").list_functions()["Functions"] == []
    assert aws.client("apigatewayv2").get_apis()["Items"] == []
    names = [each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]]
    assert not [each for each in names if each.startswith(STACK)]
