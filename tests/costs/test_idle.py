"""docs/costs.md and the README say what it costs to have it: the sum of templates and prices."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from costs.prices import price
from costs.vector_stores import idle
from worker.metrics import COUNTERS

REPOSITORY = Path(__file__).parents[2]
ACCEPTED = REPOSITORY / "tests" / "stacks" / "__snapshots__" / "test_snapshots"
HOURS = 730
DETAILED_METRICS = 7
STAGES = ("dev", "prod")


def table() -> Mapping[str, Mapping[str, str]]:
    """Part -> stage -> what the cell says."""
    text = (REPOSITORY / "docs" / "costs.md").read_text()
    section = text.partition("## What it costs to have it")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:2] == "| "]
    assert rows[0][:3] == ["part", "dev", "prod"]
    return {row[0]: dict(zip(STAGES, row[1:3], strict=True)) for row in rows[2:]}


def dollars(cell: str) -> float:
    """What stands behind every `=`, or the number; of a range the lower end."""
    results = re.findall(r"= ([\d.]+)", cell) or re.findall(r"^[\d.]+", cell)
    assert results, cell
    return sum(map(float, results))


def resources(stack: str, stage: str, kind: str) -> list[dict[str, Any]]:
    """Properties of an accepted template's resources."""
    path = ACCEPTED / f"test_template_is_the_accepted_one[{stack}-{stage}].json"
    every = json.loads(path.read_text())["Resources"].values()
    return [each["Properties"] for each in every if each["Type"] == kind]


def watched(stack: str, stage: str) -> int:
    """Metrics in the alarms of a stack, and in the two that each target tracking makes."""
    alarms = [each.get("Metrics") for each in resources(stack, stage, "AWS::CloudWatch::Alarm")]
    tracked = [
        each["TargetTrackingConfiguration"]["CustomizedMetricSpecification"]["Metrics"]
        for each in resources(stack, stage, "AWS::AutoScaling::ScalingPolicy")
        if each["PolicyType"] == "TargetTrackingScaling"
    ]
    provisioned = resources(stack, stage, "AWS::ApplicationAutoScaling::ScalingPolicy")
    return sum(map(_metrics, alarms)) + 2 * sum(map(_metrics, tracked)) + 2 * len(provisioned)


def _metrics(queries: list[dict[str, Any]] | None) -> int:
    return 1 if queries is None else sum("MetricStat" in each for each in queries)


@pytest.mark.parametrize("stage", STAGES)
def test_the_parts_add_up_to_the_sum_and_the_readme_says_the_same(stage: str) -> None:
    parts = dict(table())
    said = parts.pop("**sum**")[stage]
    total = round(sum(dollars(cells[stage]) for cells in parts.values()))
    assert said == f"**about {total}**"
    readme = " ".join((REPOSITORY / "README.md").read_text().split())
    assert f"`{stage}` stage {'costs ' * (stage == 'dev')}about {total}" in readme


@pytest.mark.parametrize("stage", STAGES)
def test_alarms_and_endpoints_are_those_of_the_templates(stage: str) -> None:
    metrics = {
        stack: watched(stack, stage)
        for stack in ("Fleet", "Functions", "Offline", "Knowledge", "Assistant")
    }
    sum_of_alarms = sum(metrics.values()) * price("cloudwatch.alarm_metric")
    assert f"{sum_of_alarms:.2f}" == table()["alarms"][stage]
    zones = [
        len(each["SubnetIds"])
        for each in resources("Network", stage, "AWS::EC2::VPCEndpoint")
        if each["VpcEndpointType"] == "Interface"
    ]
    cost = sum(zones) * price("vpc.interface_endpoint") * HOURS
    assert table()["interface endpoints"][stage].startswith(f"{len(zones)} x {zones[0]} zone")
    assert dollars(table()["interface endpoints"][stage]) == pytest.approx(cost)


@pytest.mark.parametrize("stage", STAGES)
def test_instances_and_their_metrics_are_those_of_the_smallest_group(stage: str) -> None:
    (group,) = resources("Fleet", stage, "AWS::AutoScaling::AutoScalingGroup")
    count = int(group["MinSize"])
    machine = price("ec2.c7g.medium") * HOURS + 8 * price("ebs.gp3.storage")
    assert dollars(table()["instances"][stage]) == pytest.approx(count * machine, abs=0.03)
    (launched,) = resources("Fleet", stage, "AWS::EC2::LaunchTemplate")
    detailed = launched["LaunchTemplateData"]["Monitoring"]["Enabled"]
    metric = price("cloudwatch.metric")
    assert dollars(table()["detailed monitoring"][stage]) == pytest.approx(
        detailed * count * DETAILED_METRICS * metric
    )
    assert dollars(table()["the workers' metrics"][stage]) == pytest.approx(
        bool(count) * len(COUNTERS) * metric
    )


@pytest.mark.parametrize("stage", STAGES)
def test_keys_and_firewalls_are_those_of_the_templates(stage: str) -> None:
    keys = len(resources("Fleet", stage, "AWS::KMS::Key"))
    assert dollars(table()["KMS key"][stage]) == keys * price("kms.key")
    lists = resources("Offline", stage, "AWS::WAFv2::WebACL")
    cost = sum(price("waf.web_acl") + len(each["Rules"]) * price("waf.rule") for each in lists)
    assert dollars(table()["web ACL"][stage]) == cost


def test_stores_cost_what_the_comparison_of_stores_says() -> None:
    stores = {"dev": "s3_vectors", "prod": "opensearch_serverless classic standby"}
    said = {stage: dollars(table()["vector store"][stage]) for stage in STAGES}
    assert said == {stage: round(idle()[store], 2) for stage, store in stores.items()}
