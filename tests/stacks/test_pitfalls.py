"""Each known deploy-time pitfall, by its number in docs/pitfalls.md, is impossible here."""

from __future__ import annotations

import copy
import importlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stacks.bundling import bundle_worker
from stacks.settings import SettingsError, load_settings
from stacks.settings_fleet_messages import LONGEST_LEASE_SECONDS
from tests.stacks import (
    checks_functions,
    checks_instances,
    checks_messages,
    checks_network,
    checks_scaling,
)
from tests.stacks.reading import environment, resources, text, unit
from tests.stacks.synthesis import REPOSITORY, VARIANTS, context, stage_of

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


@pytest.fixture(params=sorted(VARIANTS))
def functions(request, templates):
    return copy.deepcopy(templates[request.param]["Functions"])


def refused(**overrides: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(context({key.replace("__", "."): value for key, value in overrides.items()}))
    return str(caught.value)


def test_pitfall_11_snapstart_and_provisioned_concurrency_exclude_each_other(functions) -> None:
    assert checks_functions.check_one_strategy(functions) == []
    assert "belong to provisioned" in refused(
        jobs__cold_starts="snapstart", jobs__provisioned_min="1"
    )


def test_pitfall_12_only_a_published_version_is_provisioned_and_invoked(functions) -> None:
    assert checks_functions.check_alias_points_at_a_version(functions) == []
    assert checks_functions.check_only_the_alias_is_invoked(functions) == []


def test_pitfall_13_pings_reach_the_copies_that_requests_reach(functions) -> None:
    assert checks_functions.check_pings(functions) == []
    assert checks_functions.check_only_the_alias_is_invoked(functions) == []
    assert checks_functions.check_one_strategy(functions) == []


def test_pitfall_14_provisioned_concurrency_never_scales_to_zero(functions) -> None:
    assert checks_functions.check_provisioned_capacity(functions) == []
    assert "at least 1" in refused(jobs__cold_starts="provisioned", jobs__provisioned_min="0")


@pytest.mark.parametrize("variant", ["dev", "prod"])
def test_pitfall_15_the_handler_of_the_package_can_be_imported(
    assemblies: Path, templates, variant: str
) -> None:
    """With nothing but the package and the standard library: an init error blocks a deployment."""
    assets = json.loads(
        (assemblies / variant / f"Groundwork-{stage_of(variant)}-Functions.assets.json").read_text()
    )
    (folder,) = (
        assemblies / variant / each["source"]["path"]
        for each in assets["files"].values()
        if each["source"]["packaging"] == "zip"
    )
    (function,) = resources(templates[variant]["Functions"], checks_functions.FUNCTION).values()
    module, _, name = function["Handler"].rpartition(".")
    code = (
        f"import sys, importlib; sys.path.insert(0, {str(folder)!r}); "
        f"assert callable(getattr(importlib.import_module({module!r}), {name!r}))"
    )
    outcome = subprocess.run(
        [sys.executable, "-S", "-B", "-c", code],
        env={"PATH": os.defpath, "AWS_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr


def test_pitfall_16_snapshots_are_taken_of_versions_and_copies_tell_themselves_apart(
    templates,
) -> None:
    """What a restore has to renew is tested with the handlers' client: see docs/pitfalls.md."""
    template = templates["nat"]["Functions"]
    (function,) = resources(template, checks_functions.FUNCTION).values()
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert function["Runtime"] in ("python3.12", "python3.13", "python3.14")
    assert checks_functions.check_alias_points_at_a_version(template) == []


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
        for name, template in stacks.items():
            # Stores make what CloudFormation cannot, by functions that are ours.
            check = (
                checks_network.check_functions_are_ours
                if name == "Knowledge"
                else checks_network.check_no_custom_resources
            )
            assert check(template) == [], name


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
