"""Write `mixes.json`: what synth says to each mix that code makes behind the settings.

Run as a program by the fixture in test_functions.py, in one process for all of them. Mixes named
after a strategy are untouched and have to pass. `tuning` is the folder of an assembly of its own,
with the stack for Power Tuning, which no variant has: the local AWS does not play its type.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
Change = Callable[[Any, Any], None]


def weights(_function: Any, alias: Any) -> None:
    from aws_cdk import aws_lambda as lambda_

    alias.routing_config = lambda_.CfnAlias.AliasRoutingConfigurationProperty(
        additional_version_weights=[
            lambda_.CfnAlias.VersionWeightProperty(function_version="1", function_weight=0.1)
        ]
    )


def snapshots(function: Any, _alias: Any) -> None:
    from aws_cdk import aws_lambda as lambda_

    function.snap_start = lambda_.CfnFunction.SnapStartProperty(apply_on="PublishedVersions")


def latest(_function: Any, alias: Any) -> None:
    alias.function_version = "$LATEST"


def old_python(function: Any, _alias: Any) -> None:
    function.runtime = "python3.11"


def nothing(_function: Any, _alias: Any) -> None:
    pass


MIXES: Mapping[str, tuple[str, Change]] = {
    "provisioned": ("provisioned", nothing),
    "snapstart": ("snapstart", nothing),
    "keep_warm": ("keep_warm", nothing),
    "none": ("none", nothing),
    "weights with provisioned": ("provisioned", weights),
    "snapshots with provisioned": ("provisioned", snapshots),
    "latest with provisioned": ("provisioned", latest),
    "latest with snapstart": ("snapstart", latest),
    "old Python with snapstart": ("snapstart", old_python),
    "weights with keep_warm": ("keep_warm", weights),
}


def said(strategy: str, change: Change, outdir: Path) -> str:
    """What synth says; empty when it accepts."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_sns as sns

    from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
    from stacks.function_bundling import bundle_function
    from stacks.settings_function import FunctionSettings

    app = App(
        outdir=str(outdir), analytics_reporting=False, builtin_cloud_formation_validation=False
    )
    stack = Stack(app, "Mix")
    made = PythonFunction(
        stack,
        "Jobs",
        inputs=PythonFunctionInputs(
            name="jobs",
            package=bundle_function("jobs"),
            settings=FunctionSettings.model_validate({"cold_starts": strategy}),
            alarm_topic=sns.Topic(stack, "Topic"),
            log_retention_days=14,
        ),
    )
    change(made.function.node.default_child, made.alias.node.default_child)
    try:
        app.synth()
    except RuntimeError as error:
        return str(error)
    return ""


def synthesize_power_tuning(outdir: Path) -> None:
    """The whole app with the setting on."""
    from aws_cdk import App

    import app as composition
    from tests.stacks.synthesis import context

    app = App(
        context=context({"functions.power_tuning": "true"}),
        outdir=str(outdir),
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
    )
    composition.build(app)
    app.synth()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    sys.path.insert(0, str(REPOSITORY))
    found = {
        name: said(strategy, change, target / str(number))
        for number, (name, (strategy, change)) in enumerate(MIXES.items())
    }
    synthesize_power_tuning(target / "tuning")
    (target / "mixes.json").write_text(json.dumps(found, indent=1))
