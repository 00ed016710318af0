"""Each known deploy-time pitfall, by its number in docs/pitfalls.md, is impossible here."""

from __future__ import annotations

import copy
import importlib
import re
import time
from pathlib import Path

import pytest

from stacks.bundling import bundle_worker
from stacks.settings import load_settings
from stacks.settings_fleet_messages import LONGEST_LEASE_SECONDS
from tests.stacks import checks_instances, checks_messages, checks_network, checks_scaling
from tests.stacks.reading import environment, resources, text, unit
from tests.stacks.synthesis import REPOSITORY, VARIANTS, context

STAGES = ("dev", "prod")


@pytest.fixture(params=sorted(VARIANTS))
def fleet(request, templates):
    return copy.deepcopy(templates[request.param]["Fleet"])


@pytest.fixture(params=sorted(VARIANTS))
def network(request, templates):
    return copy.deepcopy(templates[request.param]["Network"])


def test_pitfall_01_target_tracking_takes_metric_math(fleet) -> None:
    specification = checks_scaling.tracking(fleet)["CustomizedMetricSpecification"]
    assert "MetricName" not in specification
    assert checks_scaling.check_metric_math(fleet) == []


def test_pitfall_02_group_metrics_are_on_and_never_divided_by_zero(fleet) -> None:
    assert checks_instances.check_group_metrics(fleet) == []
    assert checks_scaling.check_denominator(fleet) == []
    assert checks_scaling.check_wakes_from_zero(fleet) == []


def test_pitfall_03_no_launch_configuration(fleet) -> None:
    assert checks_instances.check_launch_template_only(fleet) == []
    flags = context({})
    assert flags["@aws-cdk/aws-autoscaling:generateLaunchTemplateInsteadOfLaunchConfig"] is True


def test_pitfall_04_metadata_service_version_2_is_required(fleet) -> None:
    assert checks_instances.check_metadata_service(fleet) == []


def test_pitfall_05_new_code_reaches_old_instances(templates) -> None:
    """A change of the worker changes the launch template, and that starts a refresh."""
    before, after = templates["dev"]["Fleet"], templates["other-code"]["Fleet"]
    assert checks_instances.launch_data(before) != checks_instances.launch_data(after)
    for template in (before, after):
        assert checks_instances.check_new_code_reaches_old_instances(template) == []
    for kind in ("AWS::SQS::Queue", "AWS::AutoScaling::AutoScalingGroup"):
        assert resources(before, kind) == resources(after, kind)


def test_pitfall_06_a_deploy_leaves_the_desired_capacity_alone(fleet) -> None:
    assert checks_instances.check_no_desired_capacity(fleet) == []
    (group,) = (
        item
        for item in fleet["Resources"].values()
        if item["Type"] == "AWS::AutoScaling::AutoScalingGroup"
    )
    ignore = group["UpdatePolicy"]["AutoScalingScheduledAction"]
    assert ignore == {"IgnoreUnmodifiedGroupSizeProperties": True}


def test_pitfall_07_instances_drain_before_they_go(fleet) -> None:
    assert checks_instances.check_drain(fleet) == []
    assert unit(fleet)["KillMode"] == ["mixed"]


@pytest.mark.parametrize("drain", [5, 90, 600, 3600])
def test_pitfall_07_times_follow_from_the_one_setting(drain: int) -> None:
    fleet = load_settings(context({"fleet.drain_seconds": drain})).fleet
    assert fleet.drain_seconds < fleet.stop_seconds < fleet.hook_seconds


def test_pitfall_08_work_in_flight_keeps_the_group_up(fleet) -> None:
    assert checks_scaling.check_in_flight_counts(fleet) == []


def test_pitfall_09_leases_are_capped(fleet) -> None:
    assert checks_messages.check_visibility(fleet) == []
    assert int(environment(fleet)["WORKER_MAX_EXTENSION_SECONDS"]) <= LONGEST_LEASE_SECONDS


def test_pitfall_10_lambda_consumers_have_six_timeouts(fleet) -> None:
    assert checks_messages.check_lambda_consumers_have_time(fleet) == []
    (queue,) = (name for name in resources(fleet, "AWS::SQS::Queue") if "WorkQueue" in name)
    fleet["Resources"]["Function"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Timeout": 60},
    }
    fleet["Resources"]["Mapping"] = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "EventSourceArn": {"Fn::GetAtt": [queue, "Arn"]},
            "FunctionName": {"Ref": "Function"},
        },
    }
    assert checks_messages.check_lambda_consumers_have_time(fleet)


def test_pitfall_39_only_the_endpoints_that_are_needed_or_one_nat_gateway(network) -> None:
    assert checks_network.check_gateway_endpoints(network) == []
    assert checks_network.check_one_way_out(network) == []


def test_pitfall_39_dev_pays_for_one_zone_and_no_nat(templates) -> None:
    interfaces = [
        endpoint
        for endpoint in resources(templates["dev"]["Network"], "AWS::EC2::VPCEndpoint").values()
        if endpoint["VpcEndpointType"] == "Interface"
    ]
    assert len(interfaces) == 3
    assert all(len(endpoint["SubnetIds"]) == 1 for endpoint in interfaces)
    assert not resources(templates["dev"]["Network"], "AWS::EC2::NatGateway")


def test_pitfall_41_bundling_is_done_once_and_by_copying(tmp_path: Path) -> None:
    first = bundle_worker(cache=tmp_path)
    built = first.path.stat().st_mtime_ns
    started = time.monotonic()
    second = bundle_worker(cache=tmp_path)
    assert second == first
    assert second.path.stat().st_mtime_ns == built
    assert time.monotonic() - started < 5
    source = Path(importlib.import_module("stacks.bundling").__file__ or "").read_text()
    assert not re.search(r"\b(subprocess|docker|urllib\.request|pip\.main)\b", source)


def test_pitfall_41_no_function_is_bundled_behind_our_back(templates) -> None:
    for stacks in templates.values():
        for template in stacks.values():
            assert checks_network.check_no_custom_resources(template) == []


def test_pitfall_42_one_app_per_synthesis() -> None:
    """No test of ours takes a template from a stack of an App that is used again."""
    for path in (REPOSITORY / "tests").rglob("*.py"):
        if path != Path(__file__):
            assert "Template.from_stack" not in path.read_text(), path


def test_the_script_names_what_the_stack_made(fleet) -> None:
    """References in the script resolve to resources of this template or exports of others."""
    (template,) = resources(fleet, "AWS::EC2::LaunchTemplate").values()
    script = text(template["LaunchTemplateData"]["UserData"])
    known = {*fleet["Resources"], *fleet["Parameters"], "AWS::Region", "AWS::AccountId"}
    for name in re.findall(r"(?<!<)<([A-Za-z0-9:]+)>", script):
        assert name in known or name.startswith("import"), name
