"""A function's version is published anew when what its environment refers to is replaced."""

from __future__ import annotations

import pytest

from stacks.constructs.vector_stores.vector_store import fingerprint
from stacks.settings import load_settings
from tests.stacks.knowledge_synthesis import STORES, overrides
from tests.stacks.reading import named, resources
from tests.stacks.synthesis import context

pytestmark = pytest.mark.xdist_group("knowledge templates")


def version_of(*settled: str) -> str:
    """Logical id of the version of a function that is told of a resource by reference."""
    from aws_cdk import App, Stack
    from aws_cdk import aws_sns as sns

    from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
    from stacks.function_bundling import bundle_function
    from stacks.settings_function import FunctionSettings

    app = App(analytics_reporting=False)
    stack = Stack(app, "Stack")
    topic = sns.Topic(stack, "Topic")
    inputs = PythonFunctionInputs(
        name="ingestion",
        package=bundle_function("ingestion"),
        settings=FunctionSettings.model_validate({}),
        alarm_topic=topic,
        log_retention_days=14,
        environment={"TOPIC": topic.topic_arn},
        settled=settled,
    )
    PythonFunction(stack, "Function", inputs=inputs)
    template = app.synth().get_stack_by_name("Stack").template
    (name,) = resources(template, "AWS::Lambda::Version")
    return name


def test_what_is_settled_makes_another_version() -> None:
    assert version_of("a1b2c3") == version_of("a1b2c3")
    assert len({version_of(), version_of("a1b2c3"), version_of("d4e5f6")}) == 3


@pytest.mark.parametrize("variant", STORES)
def test_ingestion_follows_its_knowledge_base_and_data_source(stores, variant: str) -> None:
    chosen = load_settings(context(overrides(variant))).knowledge
    ((_, source),) = resources(stores[variant], "AWS::Bedrock::DataSource").items()
    settled = fingerprint(*chosen.replacing, source["Name"])
    function = named(stores[variant], "AWS::Lambda::Function", "IngestionFunction")
    assert function["Description"] == f"Groundwork: ingestion {settled}"
