"""What no judge of templates sees of the synchronised API: names that agree across files."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping

import pytest
from graphql import EnumTypeDefinitionNode, ObjectTypeDefinitionNode, parse

from conflict_resolver import work_orders
from local.scaling.metric_math import references
from tests.built_once import REPOSITORY
from tests.judges.assembly import Templates
from tests.judges.judged_synthesis import JUDGED
from tests.stacks.checks_offline import ALARM, API
from tests.stacks.checks_versioned_tables import RESOLVER, TABLE
from tests.stacks.reading import Template, alarm_metrics, resources, text

pytestmark = pytest.mark.xdist_group("judges")

# What the services publish, with the dimension that alarms of ours name.
# https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
PUBLISHED: Mapping[str, tuple[str, frozenset[str]]] = {
    "AWS/AppSync": (
        "GraphQLAPIId",
        frozenset(
            {
                *("4XXError", "5XXError", "Latency", "Requests"),
                *("ConnectServerError", "SubscribeServerError", "PublishDataMessageServerError"),
            }
        ),
    ),
    "AWS/DynamoDB": ("TableName", frozenset({"ReadThrottleEvents", "WriteThrottleEvents"})),
    "AWS/Lambda": ("FunctionName", frozenset({"Errors", "Throttles", "Duration"})),
}
SCHEMA = REPOSITORY / "appsync_src" / "schema.graphql"


@pytest.fixture(params=JUDGED)
def offline(request, judged_templates: Mapping[str, Templates]) -> Template:
    return copy.deepcopy(judged_templates[request.param]["Offline"])


def misread(template: Template) -> list[str]:
    problems = []
    here = {
        *(f"<{name}.ApiId>" for name in resources(template, API)),
        *(f"<{name}>" for name in template["Resources"]),
    }
    for name, metric in alarm_metrics(template):
        dimension, names = PUBLISHED.get(metric["Namespace"], ("", frozenset()))
        given = {each["Name"]: text(each["Value"]) for each in metric["Dimensions"]}
        if metric["MetricName"] not in names or set(given) != {dimension}:
            problems.append(f"nobody publishes {metric['MetricName']}, which {name} reads")
        problems += [
            f"{name}: {value} is not here" for value in given.values() if value not in here
        ]
    return problems


def test_every_metric_that_an_alarm_reads_is_published(offline: Template) -> None:
    assert misread(offline) == []
    assert len(list(alarm_metrics(offline))) >= 5 + 2 * len(resources(offline, TABLE))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"5XXError"', '"5xx"'),
        ('"GraphQLAPIId"', '"GraphqlApiId"'),
        ('"WriteThrottleEvents"', '"WriteThrottles"'),
    ],
)
def test_a_misspelt_metric_is_noticed(
    judged_templates: Mapping[str, Templates], old: str, new: str
) -> None:
    before = json.dumps(judged_templates["dev"]["Offline"])
    assert old in before
    assert misread(json.loads(before.replace(old, new)))


def test_expressions_name_what_is_beside_them(offline: Template) -> None:
    seen = 0
    for alarm in resources(offline, ALARM).values():
        ids = {query["Id"] for query in alarm.get("Metrics", [])}
        for query in alarm.get("Metrics", []):
            if "Expression" in query:
                seen += 1
                assert references(query["Expression"]) <= ids
    assert seen >= 5


def test_alarms_have_a_line_in_the_runbook(offline: Template) -> None:
    runbook = (REPOSITORY / "docs" / "operations.md").read_text()
    for name in resources(offline, ALARM):
        short = re.sub(r"^.*Alarms|[0-9A-F]{8}$", "", name)
        short = re.sub(r"^\w+Throttled$", "Throttled", short)
        assert f"| `{short}` |" in runbook, short


def test_groups_that_may_something_are_there(offline: Template) -> None:
    """A group of the schema that nobody creates lets nobody in, and is no error anywhere."""
    created = {
        group["GroupName"] for group in resources(offline, "AWS::Cognito::UserPoolGroup").values()
    }
    plans = (
        json.loads(re.findall(r"const PLAN = (\{.*\});", resolver["Code"])[0])
        for resolver in resources(offline, RESOLVER).values()
    )
    named = {group for plan in plans for group in plan["allow"]["groups"]}
    assert named == created


def test_the_conflict_handler_knows_the_schemas_words() -> None:
    document = parse(SCHEMA.read_text())
    (statuses,) = (
        {value.name.value for value in node.values}
        for node in document.definitions
        if isinstance(node, EnumTypeDefinitionNode) and node.name.value == "WorkOrderStatus"
    )
    assert set(work_orders.ORDER) == statuses
    assert set(work_orders.BEGUN) <= statuses
    (fields,) = (
        {field.name.value for field in node.fields}
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode) and node.name.value == "WorkOrder"
    )
    assert {"status", "tags"} <= fields
