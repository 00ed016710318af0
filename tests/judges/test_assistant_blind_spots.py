"""What no judge sees in the stacks of knowledge and assistant: metrics and the runbook."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest

from tests.judges.assembly import Templates
from tests.judges.judged_synthesis import JUDGED
from tests.stacks.reading import Template, alarm_metrics, resources, text
from tests.stacks.synthesis import REPOSITORY

pytestmark = pytest.mark.xdist_group("judges")

ALARM = "AWS::CloudWatch::Alarm"
# Namespace -> dimensions and names, by the pages that the alarms' constructs cite.
PUBLISHED: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "AWS/ApiGateway": (frozenset({"ApiId"}), frozenset({"5xx", "Latency"})),
    "AWS/Bedrock": (
        frozenset({"ModelId"}),
        frozenset(
            {
                "InputTokenCount",
                "InvocationClientErrors",
                "InvocationServerErrors",
                "InvocationThrottles",
                "OutputTokenCount",
            }
        ),
    ),
    "AWS/Bedrock/Guardrails": (
        frozenset({"GuardrailArn", "GuardrailVersion"}),
        frozenset({"InvocationsIntervened"}),
    ),
    "AWS/DynamoDB": (
        frozenset({"TableName"}),
        frozenset({"ReadThrottleEvents", "WriteThrottleEvents"}),
    ),
    "AWS/Lambda": (frozenset({"FunctionName"}), frozenset({"Duration", "Errors", "Throttles"})),
    "AWS/SQS": (
        frozenset({"QueueName"}),
        frozenset({"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"}),
    ),
    "Groundwork/Ingestion": (frozenset({"FunctionName"}), frozenset({"Failures"})),
}


def misread(template: Template) -> list[str]:
    problems = []
    for name, metric in alarm_metrics(template):
        dimensions, names = PUBLISHED.get(metric["Namespace"], (frozenset(), frozenset()))
        given = {each["Name"]: text(each["Value"]) for each in metric["Dimensions"]}
        if metric["MetricName"] not in names or set(given) != dimensions:
            problems.append(f"nobody publishes {metric['MetricName']}, which {name} reads")
        problems += [
            f"{name}: {value} is not here"
            for value in given.values()
            if value.startswith("<") and value[1:-1].split(".")[0] not in template["Resources"]
        ]
    return problems


@pytest.mark.parametrize("variant", JUDGED)
@pytest.mark.parametrize("stack", ["Knowledge", "Assistant"])
def test_every_metric_that_an_alarm_reads_is_published(
    judged_templates: Mapping[str, Templates], variant: str, stack: str
) -> None:
    template = judged_templates[variant][stack]
    assert misread(template) == []
    assert len(list(alarm_metrics(template))) >= 7


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"InvocationThrottles"', '"Throttles"'),
        ('"InputTokenCount"', '"InputTokens"'),
        ('"GuardrailVersion", "Value"', '"Version", "Value"'),
        ('"ModelId"', '"Model"'),
    ],
)
def test_a_misspelt_metric_is_noticed(
    judged_templates: Mapping[str, Templates], old: str, new: str
) -> None:
    before = json.dumps(judged_templates["dev"]["Assistant"])
    assert old in before
    assert misread(json.loads(before.replace(old, new)))


def test_the_function_publishes_what_its_alarm_reads() -> None:
    source = (REPOSITORY / "lambda_src" / "ingestion" / "handler.py").read_text()
    assert 'NAMESPACE = "Groundwork/Ingestion"' in source
    assert '"Failures": (' in source and 'dimensions={"FunctionName":' in source


@pytest.mark.parametrize("variant", JUDGED)
def test_alarms_have_a_line_in_the_runbook(
    judged_templates: Mapping[str, Templates], variant: str
) -> None:
    runbook = (REPOSITORY / "docs" / "operations.md").read_text()
    for stack in ("Knowledge", "Assistant"):
        for name in resources(judged_templates[variant][stack], ALARM):
            short = re.sub(r"^.*Alarms|^Http|^Evaluation|[0-9A-F]{8}$", "", name)
            assert f"| `{short}` |" in runbook, short
