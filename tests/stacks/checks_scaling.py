"""Rules for the scaling policies."""

from __future__ import annotations

from itertools import pairwise

from tests.stacks.reading import Properties, Template, environment, resources, text


def tracking(template: Template) -> Properties:
    found = [
        policy
        for policy in resources(template, "AWS::AutoScaling::ScalingPolicy").values()
        if policy["PolicyType"] == "TargetTrackingScaling"
    ]
    assert len(found) == 1, f"{len(found)} target-tracking policies"
    configuration: Properties = found[0]["TargetTrackingConfiguration"]
    return configuration


def _queries(template: Template) -> dict[str, Properties]:
    specification = tracking(template).get("CustomizedMetricSpecification", {})
    return {query["Id"]: query for query in specification.get("Metrics", [])}


def _expression(template: Template) -> str:
    found = [query["Expression"] for query in _queries(template).values() if "Expression" in query]
    return found[0] if len(found) == 1 else ""


def check_metric_math(template: Template) -> list[str]:
    """One expression is returned; what it names is there and is a metric."""
    queries = _queries(template)
    problems = []
    if not _expression(template):
        problems.append("the policy does not use metric math")
    returned = [name for name, query in queries.items() if query.get("ReturnData")]
    if len(returned) != 1 or "Expression" not in queries[returned[0]]:
        problems.append("not exactly the expression is returned")
    metrics = {
        name: query["MetricStat"]["Metric"]
        for name, query in queries.items()
        if "MetricStat" in query
    }
    problems += [
        f"{name} is not in the expression" for name in metrics if name not in _expression(template)
    ]
    names = {metric["MetricName"] for metric in metrics.values()}
    if not {"ApproximateNumberOfMessagesVisible", "GroupInServiceInstances"} <= names:
        problems.append("the backlog is not divided by the instances in service")
    for name, metric in metrics.items():
        if not metric.get("Dimensions"):
            problems.append(f"{name} has no dimension")
    return problems


def check_in_flight_counts(template: Template) -> list[str]:
    """Messages that are being worked on hold the group up; none in flight is 0, not unknown."""
    problems = []
    in_flight = [
        name
        for name, query in _queries(template).items()
        if query.get("MetricStat", {}).get("Metric", {}).get("MetricName")
        == "ApproximateNumberOfMessagesNotVisible"
    ]
    if not in_flight:
        problems.append("messages in flight do not count")
    elif f"FILL({in_flight[0]}, 0)" not in _expression(template):
        problems.append("no message in flight makes the metric disappear")
    return problems


def check_denominator(template: Template) -> list[str]:
    """Never divide by zero, and never mistake a late data point for an empty group."""
    expression = _expression(template).replace(" ", "")
    problems = []
    if "/IF(in_service>0,in_service,1)" not in expression:
        problems.append("the denominator can be zero")
    if "FILL(in_service" in expression or "FILL(visible" in expression:
        problems.append("a late data point reads as an empty group or queue")
    if not expression.startswith("IF(visible>=0,") or not expression.endswith(",1))"):
        problems.append("a minute that SQS has not reported yet reads as an empty queue")
    return problems


def check_target(template: Template) -> list[str]:
    target = tracking(template).get("TargetValue", 0)
    problems = [] if target > 0 else ["the target is not positive"]
    threads = int(environment(template).get("WORKER_THREADS", "0"))
    if target < threads:
        problems.append("the target leaves threads of an instance without a message")
    if tracking(template).get("DisableScaleIn"):
        problems.append("the group never shrinks")
    return problems


def _step_policies(template: Template, part: str) -> dict[str, Properties]:
    return {
        name: policy
        for name, policy in resources(template, "AWS::AutoScaling::ScalingPolicy").items()
        if policy["PolicyType"] == "StepScaling" and part in name
    }


def _alarms_of(template: Template, policy: str) -> list[Properties]:
    return [
        alarm
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
        if f"<{policy}>" in text(alarm.get("AlarmActions", []))
    ]


def check_rests(template: Template) -> list[str]:
    """An idle group goes to its minimum, and only when nothing waits, is in flight or arrives."""
    policies = _step_policies(template, "Rest")
    if len(policies) != 1:
        return ["an idle group stays for a quarter of an hour"]
    ((name, policy),) = policies.items()
    problems = []
    sizes = [step["ScalingAdjustment"] for step in policy["StepAdjustments"]]
    if policy["AdjustmentType"] != "ExactCapacity" or sizes != [0]:
        problems.append("an idle group does not go to its minimum")
    alarms = _alarms_of(template, name)
    if len(alarms) != 1:
        return [*problems, "no alarm invokes the rest"]
    (alarm,) = alarms
    expressions = [item.get("Expression") for item in alarm.get("Metrics", [])]
    if "IF(visible >= 0, visible + FILL(in_flight, 0) + FILL(sent, 0))" not in expressions:
        problems.append("a group rests while there is something to do")
    breaching = (alarm["ComparisonOperator"], alarm["Threshold"], alarm.get("TreatMissingData"))
    if breaching != ("LessThanThreshold", 1, "notBreaching") or alarm["EvaluationPeriods"] < 2:
        problems.append("a group rests on little evidence")
    return problems


def check_wakes_from_zero(template: Template) -> list[str]:
    """An empty group with a backlog gets instances by a step policy with its own alarm."""
    steps = _step_policies(template, "WakeFromZero")
    if len(steps) != 1:
        return ["nothing wakes an empty group"]
    ((name, policy),) = steps.items()
    problems = []
    alarms = _alarms_of(template, name)
    if len(alarms) != 1:
        problems.append("no alarm invokes the wake-up")
    else:
        expressions = [item.get("Expression") for item in alarms[0].get("Metrics", [])]
        if "IF(visible >= 0, IF(desired < 1, visible, 0))" not in expressions:
            problems.append("the wake-up does not look for an empty group")
    if policy.get("AdjustmentType") != "ChangeInCapacity":
        problems.append("the wake-up can shrink the group")
    return [*problems, *_step_problems(policy.get("StepAdjustments", []))]


def _step_problems(adjustments: list[Properties]) -> list[str]:
    problems = []
    if not adjustments or adjustments[0].get("MetricIntervalLowerBound") != 0:
        problems.append("the smallest backlog wakes nobody")
    if any(step["ScalingAdjustment"] < 1 for step in adjustments):
        problems.append("a step wakes nobody")
    if len(adjustments) > 20:
        problems.append("more steps than a policy may have")
    for one, following in pairwise(adjustments):
        if one.get("MetricIntervalUpperBound") != following.get("MetricIntervalLowerBound"):
            problems.append("steps overlap or leave a gap")
    if adjustments and "MetricIntervalUpperBound" in adjustments[-1]:
        problems.append("the largest backlog wakes nobody")
    return problems


def check_warm_up(template: Template) -> list[str]:
    (group,) = resources(template, "AWS::AutoScaling::AutoScalingGroup").values()
    if not group.get("DefaultInstanceWarmup"):
        return ["instances that are still starting count as working"]
    return []
