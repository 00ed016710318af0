"""Settings: layers, ranges, contradictions, and errors that say what to do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from stacks.settings import CAPABILITIES, SettingsError, load_settings
from stacks.settings_document import DOCUMENT, document, stage_blocks
from tests.stacks.synthesis import REPOSITORY, context


def problems(**overrides: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(context({key.replace("__", "."): value for key, value in overrides.items()}))
    return str(caught.value)


def test_stage_overrides_the_default_and_the_command_line_overrides_both() -> None:
    assert load_settings({"groundwork": {"dev": {}}}).fleet.max_instances == 4
    assert load_settings(context({"stage": "prod"})).fleet.max_instances == 100
    assert (
        load_settings(context({"stage": "prod", "fleet.max_instances": "7"})).fleet.max_instances
        == 7
    )


def test_the_command_line_gives_text() -> None:
    settings = load_settings(
        context(
            {
                "fleet.instance_types": "c7g.large, c6g.large",
                "fleet.detailed_monitoring": "true",
                "fleet.acceptable_latency_seconds": "12.5",
            }
        )
    )
    assert settings.fleet.instance_types == ("c7g.large", "c6g.large")
    assert settings.fleet.detailed_monitoring is True
    assert settings.fleet.acceptable_latency_seconds == 12.5


def test_settings_cannot_be_changed_afterwards() -> None:
    fleet = load_settings(context({})).fleet
    with pytest.raises(ValidationError):
        fleet.max_instances = 9  # type: ignore[misc]


@pytest.mark.parametrize(
    ("override", "value", "said"),
    [
        ("fleet.max_instances", "0", "at least 1, at most 5000 (instances)"),
        ("fleet.max_instances", "many", "valid integer"),
        ("fleet.wait_time_seconds", "30", "at most 20 (seconds)"),
        ("fleet.max_extension_seconds", "43201", "at most 43200"),
        ("fleet.spot_percentage", "101", "at most 100 (percent)"),
        ("fleet.instance_types", "c7i.large", "not of a Graviton family"),
        ("fleet.instance_types", "c7g.large,c6g.xlarge", "differ in size"),
        ("fleet.instance_types", "", "at least 1 item"),
        ("fleet.job", "os.system", "pattern"),
        (
            "assistant.tenant_callers",
            "arn:aws:sts::123456789012:assumed-role/Portal",
            "assistant.tenant_callers",
        ),
        ("fleet.log_retention_days", "2", "must be one of 1, 3, 5"),
        ("fleet.alarm_email", "nobody", "pattern"),
        ("fleet.encryption", "none", "'service_managed' or 'customer_key'"),
        ("fleet.metrics_namespace", "bad name", "pattern"),
        ("network.egress", "internet", "'interface_endpoints' or 'nat_gateway'"),
        ("network.cidr", "8.8.0.0/16", "private range"),
        ("network.cidr", "10.0.0.0/28", "between /16 and /24"),
        ("network.availability_zones", "1", "at least 2"),
        ("documents.noncurrent_version_days", "0", "at least 1"),
        ("documents.retain_data", "perhaps", "true or false"),
        ("assistant.denied_words", "four of them altogether", "more than 3 words"),
        ("chat.retrieved_chunks", "16", "at most 15 (chunks)"),
    ],
)
def test_a_wrong_value_names_field_value_range_and_remedy(
    override: str, value: str, said: str
) -> None:
    message = problems(**{override.replace(".", "__"): value})
    capability, field = override.split(".")
    assert said in message
    assert field in message
    assert capability in message
    if value:
        assert value.split(",")[0] in message


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"fleet.min_instances": 5, "fleet.max_instances": 4}, "min_instances (5) exceeds"),
        ({"fleet.on_demand_base": 9, "fleet.max_instances": 4}, "on_demand_base (9) exceeds"),
        (
            {"fleet.visibility_timeout_seconds": 4000},
            "visibility_timeout_seconds (4000) exceeds max_extension_seconds (3600)",
        ),
        (
            {"fleet.drain_seconds": 3000, "fleet.max_extension_seconds": 600},
            "drain_seconds (3000) exceeds max_extension_seconds (600)",
        ),
        (
            {"fleet.backoff_base_seconds": 400},
            "backoff_base_seconds (400.0) exceeds backoff_cap_seconds (300.0)",
        ),
        (
            {"fleet.backoff_cap_seconds": 4000},
            "backoff_cap_seconds (4000.0) exceeds max_extension_seconds (3600)",
        ),
        (
            {"fleet.no_worker_alarm_minutes": 3, "fleet.metrics_interval_seconds": 120},
            "no_worker_alarm_minutes (3) is less than two of metrics_interval_seconds (120)",
        ),
        (
            {"network.endpoint_availability_zones": 3},
            "endpoint_availability_zones (3) exceeds availability_zones (2)",
        ),
        ({"chat.least_score": 0.5}, "least_score is 0.5, but search_type is automatic"),
    ],
)
def test_contradictions_are_found(overrides: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)):
        load_settings(context(overrides))


def test_a_misspelt_name_gets_a_suggestion() -> None:
    assert "Did you mean 'max_instances'?" in problems(fleet__max_instance=3)
    assert "Did you mean 'fleet'?" in problems(flet__max_instances=3)
    assert "There are: " in problems(fleet__colour="red")


def test_context_of_others_is_left_alone() -> None:
    load_settings(
        context(
            {"availability-zones:account=1:region=x.y": [], "@aws-cdk/core:a.b": 1, "my.own": 1}
        )
    )


def test_an_unknown_stage_lists_the_stages() -> None:
    assert "dev|prod" in problems(stage="test")


@pytest.mark.parametrize("stage", ["a-stage-of-everybody", "two--hyphens", "ends-", "under_score"])
def test_a_stage_that_names_cannot_hold_is_refused(stage: str) -> None:
    with pytest.raises(SettingsError, match="at most 13 letters, digits and single hyphens"):
        load_settings({"stage": stage, "groundwork": {stage: {}}})
    load_settings({"stage": "pre-prod-2", "groundwork": {"pre-prod-2": {}}})


def test_all_problems_are_told_at_once() -> None:
    message = problems(fleet__max_instances=0, network__egress="x", documents__versions=1)
    assert len(message.splitlines()) == 3


def test_the_target_follows_from_latency_and_measured_time() -> None:
    """Concurrency 2 vCPU x 1.5 processes x 4 threads = 12; 12 / 0.5 s = 24 a second; x 60 s."""
    fleet = load_settings(
        context(
            {
                "fleet.instance_types": "c7g.large",
                "fleet.processes_per_vcpu": 1.5,
                "fleet.threads_per_process": 4,
                "fleet.seconds_per_message": 0.5,
                "fleet.acceptable_latency_seconds": 60,
            }
        )
    ).fleet
    assert fleet.concurrency == 12
    assert fleet.target_backlog_per_instance == 1440


def test_every_setting_explains_itself() -> None:
    for capability, model in CAPABILITIES.items():
        for name, field in model.model_fields.items():
            assert field.description, f"{capability}.{name}"
            measured = isinstance(field.default, int | float) and not isinstance(
                field.default, bool
            )
            extra = field.json_schema_extra
            assert not measured or (isinstance(extra, dict) and extra.get("unit")), name


def test_the_document_is_the_models() -> None:
    assert DOCUMENT.read_text() == document(stage_blocks()), (
        "run: python -m stacks.settings_document"
    )


def test_a_wrong_setting_stops_synth_without_a_traceback() -> None:
    outcome = subprocess.run(
        [sys.executable, "app.py"],
        cwd=REPOSITORY,
        env={**os.environ, "CDK_CONTEXT_JSON": '{"groundwork":{"dev":{}},"fleet.max_instances":0}'},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == 1
    assert "fleet.max_instances = 0" in outcome.stderr
    assert "at least 1" in outcome.stderr
    assert "Traceback" not in outcome.stderr
