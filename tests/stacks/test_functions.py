"""Functions: illegal mixes stop synth, in settings and in code; versions follow what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge import keep_warm
from stacks.constructs.keep_warm import ping
from stacks.settings_function import LARGEST_ROUND, FunctionSettings
from tests.built_once import built_once
from tests.stacks.checks_functions import ALIAS, FUNCTION, PERMISSION, POLICY, RULE, TARGET, VERSION
from tests.stacks.reading import resources, text
from tests.stacks.synthesis import VARIANTS

pytestmark = pytest.mark.xdist_group("function mixes")

STRATEGIES = {"dev": "keep_warm", "prod": "provisioned", "nat": "snapstart", "quiet": "none"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_once(
        tmp_path_factory,
        "mixes",
        ["-m", "tests.stacks.illegal_mixes"],
        environment={"CDK_VALIDATION": "false"},
    )


@pytest.fixture(scope="session")
def mixes(folder: Path) -> Mapping[str, str]:
    """Mix -> what synth said."""
    found: dict[str, str] = json.loads((folder / "mixes.json").read_text())
    return found


@pytest.mark.parametrize("legal", ["provisioned", "snapstart", "keep_warm", "none"])
def test_every_strategy_is_accepted(mixes, legal: str) -> None:
    assert mixes[legal] == ""


def test_weights_and_pings_go_together(mixes) -> None:
    assert mixes["weights with keep_warm"] == ""


@pytest.mark.parametrize(
    ("mix", "reason", "remedy"),
    [
        ("weights with provisioned", "has weights", "shift traffic by another alias"),
        ("snapshots with provisioned", "exclude each other", "choose one with cold_starts"),
        ("latest with provisioned", "points at $LATEST", "use function.current_version"),
        ("latest with snapstart", "points at $LATEST", "use function.current_version"),
        ("old Python with snapstart", "python3.11 has no SnapStart", "use one of python3.12"),
    ],
)
def test_an_illegal_mix_in_code_stops_synth(mixes, mix: str, reason: str, remedy: str) -> None:
    assert reason in mixes[mix]
    assert remedy in mixes[mix]
    assert "Mix/Jobs/Function" in mixes[mix]


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        FunctionSettings(**values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("values", "reason", "remedy"),
    [
        (
            {"cold_starts": "snapstart", "provisioned_min": 2},
            "refuses provisioned concurrency for a function with SnapStart",
            "Remove provisioned_min, or set cold_starts to provisioned",
        ),
        (
            {"cold_starts": "provisioned", "warm_copies": 2, "warm_minutes": 5},
            "what is provisioned is warm already",
            "Remove warm_minutes, warm_copies, or set cold_starts to keep_warm",
        ),
        (
            {"cold_starts": "keep_warm", "provisioned_max": 5},
            "what is provisioned is warm already",
            "set cold_starts to provisioned",
        ),
        (
            {"cold_starts": "snapstart", "warm_copies": 2},
            "every copy starts from the snapshot",
            "Remove warm_copies",
        ),
        (
            {"cold_starts": "provisioned", "provisioned_min": 0},
            "ProvisionedConcurrencyConfigNotFound",
            "set at least 1, or cold_starts to none",
        ),
        (
            {"cold_starts": "provisioned", "provisioned_min": 11},
            "exceeds provisioned_max (10)",
            "lower the first or raise the second",
        ),
        (
            {"cold_starts": "provisioned", "busy_capacity": 11},
            "is not between provisioned_min (1) and provisioned_max (10)",
            "set busy_capacity to 0 for no schedule",
        ),
        (
            {"cold_starts": "provisioned", "provisioned_min": 5, "busy_capacity": 2},
            "is not between",
            "change one of them",
        ),
        (
            {"cold_starts": "provisioned", "busy_capacity": 2, "busy_from": "21:00"},
            "is not before busy_until",
            "swap them",
        ),
        (
            {"cold_starts": "provisioned", "busy_capacity": 2, "busy_time_zone": "Mars/Olympus"},
            "is no time zone",
            "use a name such as UTC",
        ),
        (
            {"cold_starts": "provisioned", "reserved_concurrency": 5},
            "provisioned_max (10) exceeds reserved_concurrency (5)",
            "lower the first or raise the second",
        ),
        (
            {"cold_starts": "keep_warm", "warm_copies": 3, "reserved_concurrency": 2},
            "warm_copies (3) exceeds reserved_concurrency (2)",
            "lower the first or raise the second",
        ),
        (
            {"cold_starts": "keep_warm", "warm_hold_ms": 2000, "timeout_seconds": 2},
            "every ping would time out",
            "lower the first",
        ),
        ({"warm_copies": 6}, "less than or equal to 5", ""),
        ({"busy_days": "weekdays"}, "should match pattern", ""),
        ({"busy_from": "7:00"}, "should match pattern", ""),
    ],
)
def test_an_illegal_mix_of_settings_is_refused(
    values: dict[str, Any], reason: str, remedy: str
) -> None:
    message = refused(**values)
    assert reason in message
    assert remedy in message


@pytest.mark.parametrize("strategy", ["none", "keep_warm", "provisioned", "snapstart"])
def test_a_strategy_alone_is_enough(strategy: str) -> None:
    assert FunctionSettings.model_validate({"cold_starts": strategy}).cold_starts == strategy


def test_numbers_of_another_strategy_wait_while_there_is_none() -> None:
    settings = FunctionSettings(cold_starts="none", warm_copies=3, provisioned_max=4)
    assert settings.cold_starts == "none"


@pytest.mark.parametrize(("variant", "strategy"), STRATEGIES.items())
def test_a_strategy_makes_its_own_resources_and_no_others(
    templates, variant: str, strategy: str
) -> None:
    template = templates[variant]["Functions"]
    (function,) = resources(template, FUNCTION).values()
    (alias,) = resources(template, ALIAS).values()
    made = {
        "keep_warm": bool(resources(template, RULE)),
        "provisioned": "ProvisionedConcurrencyConfig" in alias,
        "snapstart": "SnapStart" in function,
    }
    assert made == {each: each == strategy for each in made}
    assert bool(resources(template, TARGET)) == bool(resources(template, POLICY))
    assert bool(resources(template, TARGET)) == (strategy == "provisioned")
    assert len(resources(template, PERMISSION)) == (3 if strategy == "keep_warm" else 2)


def test_the_rule_sends_what_the_handler_answers() -> None:
    for copies in range(1, LARGEST_ROUND + 1):
        for number in range(1, copies + 1):
            sent = ping(number=number, of=copies, hold_ms=100)
            assert sent == keep_warm.ping(number=number, of=copies, hold_ms=100)
            assert keep_warm.hold_of(sent) == 100


def test_as_many_pings_as_copies(templates) -> None:
    (rule,) = resources(templates["keys"]["Functions"], RULE).values()
    assert len(rule["Targets"]) == 5


def test_a_schedule_raises_the_minimum_in_busy_hours(templates) -> None:
    (target,) = resources(templates["prod"]["Functions"], TARGET).values()
    busy, quiet = target["ScheduledActions"]
    assert (busy["Schedule"], busy["Timezone"]) == ("cron(0 7 ? * MON-FRI *)", "UTC")
    assert quiet["Schedule"] == "cron(0 20 ? * MON-FRI *)"
    assert busy["ScalableTargetAction"]["MinCapacity"] == 5
    assert quiet["ScalableTargetAction"]["MinCapacity"] == target["MinCapacity"] == 1


def test_reserved_concurrency_is_a_setting(templates) -> None:
    def reserved(variant: str) -> Any:
        (function,) = resources(templates[variant]["Functions"], FUNCTION).values()
        return function.get("ReservedConcurrentExecutions")

    assert (reserved("dev"), reserved("keys")) == (None, 20)


def version_of(template: Mapping[str, Any]) -> str:
    (name,) = resources(dict(template), VERSION)
    return name


@pytest.mark.parametrize("variant", ["other-code", "prod", "nat"])
def test_code_and_settings_make_a_new_version(templates, variant: str) -> None:
    """Without a new logical id the alias would go on pointing at the old code."""
    assert version_of(templates["dev"]["Functions"]) != version_of(templates[variant]["Functions"])


@pytest.mark.parametrize("variant", ["quiet", "keys"])
def test_the_version_changes_with_nothing_else(templates, variant: str) -> None:
    """Neither with pings nor with reserved concurrency, which are of the function as a whole."""
    dev = templates["dev"]["Functions"]
    assert version_of(dev) == version_of(templates[variant]["Functions"])


def test_tokens_are_asked_for_where_they_are_chosen(templates) -> None:
    template = templates["nat"]["Functions"]
    (authorizer,) = resources(template, "AWS::ApiGatewayV2::Authorizer").values()
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"]["Audience"] == ["client-1", "client-2"]
    for route in resources(template, "AWS::ApiGatewayV2::Route").values():
        assert route["AuthorizationType"] == "JWT"
    for route in resources(templates["dev"]["Functions"], "AWS::ApiGatewayV2::Route").values():
        assert route["AuthorizationType"] == "AWS_IAM"


def test_what_the_fleet_shares_stays_as_long_as_it_is_used(templates) -> None:
    """Queue, table and topic are exports: the fleet cannot lose them under the functions."""
    for variant in VARIANTS:
        imported = text(list(resources(templates[variant]["Functions"], FUNCTION).values()))
        assert "ImportValue" in imported or "<import:" in imported, variant


def test_power_tuning_may_touch_the_functions_of_its_stage_alone(folder: Path) -> None:
    template = json.loads(
        (folder / "tuning" / "Groundwork-dev-PowerTuning.template.json").read_text()
    )
    assert template["Transform"] == "AWS::Serverless-2016-10-31"
    (application,) = resources(template, "AWS::Serverless::Application").values()
    assert text(application["Location"]["ApplicationId"]).endswith("/aws-lambda-power-tuning")
    assert text(application["Parameters"]["lambdaResource"]).endswith(
        ":function:Groundwork-dev-Functions-*"
    )


def test_power_tuning_leaves_the_other_stacks_alone(folder: Path, templates) -> None:
    """A transform would have every resource of a stack pass through it."""
    for stack in ("Fleet", "Functions"):
        path = folder / "tuning" / f"Groundwork-dev-{stack}.template.json"
        assert json.loads(path.read_text()) == templates["dev"][stack]
        assert "Transform" not in templates["dev"][stack]


def test_a_setting_takes_no_export_away(templates) -> None:
    """An export that is imported cannot go, and the fleet is updated before its importers."""

    def exports(variant: str) -> set[str]:
        outputs = templates[variant]["Fleet"]["Outputs"].values()
        return {each["Export"]["Name"] for each in outputs if "Export" in each}

    assert exports("dev") == exports("keys") == exports("quiet") == exports("nat")
