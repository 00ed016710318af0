"""What no judge of templates sees of functions: names that agree with programs and services."""

from __future__ import annotations

import ast
import copy
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.built_once import REPOSITORY
from tests.judges.assembly import Templates
from tests.judges.judged_synthesis import JUDGED
from tests.stacks.checks_functions import ALARM, FUNCTION, QUEUE
from tests.stacks.reading import Template, as_list, resources, statements, text
from tests.stacks.synthesis import stage_of

pytestmark = pytest.mark.xdist_group("judges")

# What the services publish, with the dimensions that alarms of ours name.
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
PUBLISHED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "AWS/Lambda": {
        "Errors": ("FunctionName",),
        "Throttles": ("FunctionName",),
        "Duration": ("FunctionName",),
        "ProvisionedConcurrencySpilloverInvocations": ("FunctionName", "Resource"),
    },
    "AWS/ApiGateway": {"5xx": ("ApiId",)},
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible": ("QueueName",)},
}
# Operations whose action has another name.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
ACTIONS = {"sqs:SendMessageBatch": "sqs:SendMessage"}
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
GIVEN_BY_LAMBDA = {"AWS_REGION"}
# What is read in one mode alone: name -> the variable that chooses, and its value.
ONLY_WITH = {
    "CACHE_INDEX_ARN": ("CACHE", "s3_vectors"),
    "CACHE_ENDPOINT": ("CACHE", "valkey"),
    "CACHE_NAME": ("CACHE", "valkey"),
    "CACHE_USER": ("CACHE", "valkey"),
}
# Packages of other people, by the program that brings them.
BROUGHT = {"chat": {"valkey"}}
# Lambda itself reads it: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
READ_BY_LAMBDA = {"AWS_LAMBDA_EXEC_WRAPPER"}


@pytest.fixture(params=JUDGED)
def variant(request) -> str:
    return str(request.param)


@pytest.fixture
def stacks(variant: str, judged_templates) -> Templates:
    return copy.deepcopy(judged_templates[variant])


def functions(stacks: Templates) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Stack, logical id and properties of every function of ours."""
    for stack, template in stacks.items():
        for name, properties in resources(template, FUNCTION).items():
            yield stack, name, properties


def package(judged: Path, variant: str, stack: str, properties: Mapping[str, Any]) -> Path:
    """The directory that is zipped and uploaded for a function."""
    path = judged / variant / f"Groundwork-{stage_of(variant)}-{stack}.assets.json"
    (source,) = (
        each["source"]["path"]
        for each in json.loads(path.read_text())["files"].values()
        for destination in each["destinations"].values()
        if destination["objectKey"] == properties["Code"]["S3Key"]
    )
    return judged / variant / str(source)


def test_the_handler_is_in_the_package(stacks, variant: str, judged: Path) -> None:
    found = list(functions(stacks))
    assert found
    for stack, _, properties in found:
        module, _, name = properties["Handler"].rpartition(".")
        file = package(judged, variant, stack, properties).joinpath(*module.split("."))
        tree = ast.parse(file.with_suffix(".py").read_bytes())
        assigned = {
            target.id
            for statement in tree.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        }
        defined = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
        assert name in assigned | defined, properties["Handler"]


def test_the_package_holds_what_it_needs_and_nothing_else(
    stacks, variant: str, judged: Path
) -> None:
    """At most 5 MB unzipped; no tests, no requirements file, no bytecode of this interpreter."""
    for stack, _, properties in functions(stacks):
        folder = package(judged, variant, stack, properties)
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) <= 5_000_000
        # `stream` is what AWS_LAMBDA_EXEC_WRAPPER starts; py.typed comes with packages of others.
        others = {
            path.name
            for path in files
            if path.suffix not in (".py", ".pem") and ".dist-info/" not in str(path)
        }
        assert others <= {"stream", "py.typed"}, stack
        program = properties["Handler"].split(".")[0]
        assert {path.name.split("-")[0] for path in folder.iterdir()} == {
            "edge",
            program,
            *BROUGHT.get(program, ()),
        }


def test_the_environment_is_what_the_handler_reads(stacks, variant: str, judged: Path) -> None:
    for stack, name, properties in functions(stacks):
        folder = package(judged, variant, stack, properties)
        program = folder / properties["Handler"].split(".")[0]
        source = "\n".join(path.read_text() for path in program.rglob("*.py"))
        required = set(re.findall(r'environ\["([A-Z_]+)"\]', source))
        optional = set(re.findall(r'environ\.get\("([A-Z_]+)"', source))
        variables = properties.get("Environment", {}).get("Variables", {})
        given = set(variables)
        elsewhere = {
            each for each, (chosen, by) in ONLY_WITH.items() if variables.get(chosen) != by
        }
        assert required - GIVEN_BY_LAMBDA - elsewhere <= given, name
        assert not given & elsewhere, name
        assert given - READ_BY_LAMBDA <= required | optional, name


def allowed(template: Template, properties: Mapping[str, Any]) -> set[str]:
    role = resources(template, "AWS::IAM::Role")[text(properties["Role"])[1:].split(".")[0]]
    return {
        action
        for policy in role["Policies"]
        for statement in statements(policy["PolicyDocument"])
        for action in as_list(statement["Action"])
    }


def called(program: Path) -> set[str]:
    """Actions of the calls that a function makes by the client that functions share."""
    source = "\n".join(path.read_text() for path in program.rglob("*.py"))
    found = re.findall(r'call\(\s*"(dynamodb|sqs)",\s*"(\w+)"', source)
    return {
        ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
        for service, operation in found
    }


def test_the_role_allows_what_the_handler_calls_and_no_more(
    stacks, variant: str, judged: Path
) -> None:
    template = stacks["Functions"]
    (properties,) = resources(template, FUNCTION).values()
    calls = called(package(judged, variant, "Functions", properties) / "jobs")
    assert {"dynamodb:Query", "sqs:SendMessage"} <= calls
    data = {
        action
        for action in allowed(template, properties)
        if action.split(":")[0] in ("dynamodb", "sqs")
    }
    assert data == calls


def misread(template: Template) -> list[str]:
    problems = []
    names = {f"<{name}>" for name in template["Resources"]}
    queues = {f"<{name}.QueueName>" for name in resources(template, QUEUE)}
    for name, alarm in resources(template, ALARM).items():
        dimensions = {each["Name"]: text(each["Value"]) for each in alarm["Dimensions"]}
        wanted = PUBLISHED.get(alarm["Namespace"], {}).get(alarm["MetricName"])
        if wanted is None or tuple(sorted(dimensions)) != tuple(sorted(wanted)):
            problems.append(f"nobody publishes what {name} reads")
        for dimension, value in dimensions.items():
            own = {**dict.fromkeys(names, ""), **dict.fromkeys(queues, "")}
            if value.removesuffix(":live") not in own:
                problems.append(f"{name}: {dimension} {value} is not here")
    return problems


def test_every_metric_that_an_alarm_reads_is_published(stacks) -> None:
    assert misread(stacks["Functions"]) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Throttles"', '"Throttled"'),
        ('"5xx"', '"5XXError"'),
        ('"FunctionName", "Value"', '"Function", "Value"'),
    ],
)
def test_a_misspelt_metric_is_noticed(judged_templates, old: str, new: str) -> None:
    before = json.dumps(judged_templates["prod"]["Functions"])
    assert old in before
    assert misread(json.loads(before.replace(old, new)))


def test_alarms_have_a_line_in_the_runbook(stacks) -> None:
    runbook = (REPOSITORY / "docs" / "operations.md").read_text()
    alarms = resources(stacks["Functions"], ALARM)
    assert len(alarms) >= 4
    for name in alarms:
        short = re.sub(r"^.*Alarms|^Http|[0-9A-F]{8}$", "", name)
        assert f"| `{short}` |" in runbook, short
