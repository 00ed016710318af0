"""Rules for functions and their HTTP API. Each returns what is wrong, in words."""

from __future__ import annotations

import json
import re
from typing import Any

from edge.keep_warm import hold_of
from tests.stacks.reading import Properties, Template, as_list, resources, statements, text

FUNCTION, ALIAS = "AWS::Lambda::Function", "AWS::Lambda::Alias"
VERSION, PERMISSION = "AWS::Lambda::Version", "AWS::Lambda::Permission"
RULE, ALARM, QUEUE = "AWS::Events::Rule", "AWS::CloudWatch::Alarm", "AWS::SQS::Queue"
ASYNCHRONOUS = "AWS::Lambda::EventInvokeConfig"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ROUTE, STAGE = "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage"
INTEGRATION = "AWS::ApiGatewayV2::Integration"
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-permissions
JOINS = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}
SAFE_HOLD_MS = 75
MOST_TARGETS = 5
LONGEST_API_SECONDS = 30


def check_function_runs_on_graviton(template: Template) -> list[str]:
    return [
        f"{name}: {wrong}"
        for name, function in resources(template, FUNCTION).items()
        for wrong, holds in (
            ("not arm64", function.get("Architectures") == ["arm64"]),
            ("not Python 3.13", function.get("Runtime") == "python3.13"),
            ("no memory setting", 128 <= function.get("MemorySize", 0) <= 10_240),
            ("no time-out setting", 1 <= function.get("Timeout", 0) <= 900),
            ("not traced", function.get("TracingConfig", {}).get("Mode") == "Active"),
        )
        if not holds
    ]


def check_function_logs(template: Template) -> list[str]:
    """JSON, into a group of this template, which has a retention (another rule)."""
    groups = {f"<{name}>" for name in resources(template, "AWS::Logs::LogGroup")}
    return [
        f"{name} does not log JSON into a group of its own"
        for name, function in resources(template, FUNCTION).items()
        if function.get("LoggingConfig", {}).get("LogFormat") != "JSON"
        or text(function["LoggingConfig"].get("LogGroup", "")) not in groups
    ]


def check_role_per_function(template: Template) -> list[str]:
    roles = [text(each.get("Role", "")) for each in resources(template, FUNCTION).values()]
    problems = ["functions share a role"] if len(set(roles)) < len(roles) else []
    known = {f"<{name}.Arn>" for name in resources(template, "AWS::IAM::Role")}
    return problems + [f"{role} is not of this template" for role in roles if role not in known]


def check_networks_are_joined_and_left(template: Template) -> list[str]:
    """Lambda may make and delete interfaces with the role, the function's code may not, and the
    permission is there for as long as the security group is.
    """
    problems = []
    for name, function in resources(template, FUNCTION).items():
        groups = as_list(function.get("VpcConfig", {}).get("SecurityGroupIds"))
        if not groups:
            continue
        role = text(function["Role"])[1:].split(".")[0]
        stated = [
            statement
            for policy in resources(template, "AWS::IAM::Role")[role].get("Policies", [])
            for statement in statements(policy["PolicyDocument"])
        ]
        allowed, denied = (
            {
                action
                for statement in stated
                if statement["Effect"] == effect and (effect == "Allow" or _to_code(statement))
                for action in as_list(statement["Action"])
                if action.startswith("ec2:")
            }
            for effect in ("Allow", "Deny")
        )
        problems += [f"{name} cannot be in a network: {each}" for each in JOINS - allowed]
        problems += [f"the code of {name} may {each}" for each in allowed - denied]
        lasting = {
            each
            for each, policy in resources(template, "AWS::IAM::Policy").items()
            if f"<{role}>" in [text(named) for named in policy["Roles"]]
        }
        problems += [
            f"{name} leaves its interfaces in {text(group)}"
            for group in groups
            if not lasting
            & set(as_list(template["Resources"][text(group)[1:].split(".")[0]].get("DependsOn")))
        ]
    return problems


def _to_code(statement: Properties) -> bool:
    """Whether a statement is about everything that the code of functions asks for."""
    asked = statement.get("Condition", {}).get("ArnLike", {}).get("lambda:SourceFunctionArn", "")
    return statement["Resource"] == "*" and text(asked).endswith(":function:*")


def check_alias_points_at_a_version(template: Template) -> list[str]:
    """One alias `live` per function, at the version that is published with its code."""
    versions = {
        f"<{name}.Version>": text(each["FunctionName"])
        for name, each in resources(template, VERSION).items()
    }
    problems = []
    aliased = []
    for name, alias in resources(template, ALIAS).items():
        aliased.append(text(alias["FunctionName"]))
        if alias.get("Name") != "live":
            problems.append(f"{name} is not called live")
        if versions.get(text(alias.get("FunctionVersion", ""))) != aliased[-1]:
            problems.append(f"{name} does not point at a published version of its function")
    return problems + [
        f"{name} does not have one alias"
        for name in resources(template, FUNCTION)
        if aliased.count(f"<{name}>") != 1
    ]


def check_only_the_alias_is_invoked(template: Template) -> list[str]:
    """Permissions, integrations and rules name the alias, never the function or a version."""
    aliases = {f"<{name}>" for name in resources(template, ALIAS)}
    invoked = {
        **{
            name: text(each["FunctionName"])
            for name, each in resources(template, PERMISSION).items()
        },
        **{
            name: text(each["IntegrationUri"])
            for name, each in resources(template, INTEGRATION).items()
        },
        **{
            f"{name}/{target['Id']}": text(target["Arn"])
            for name, rule in resources(template, RULE).items()
            for target in rule["Targets"]
        },
    }
    return [f"{name} invokes {who}" for name, who in invoked.items() if who not in aliases]


def check_permissions_name_their_source(template: Template) -> list[str]:
    """A service may invoke for one rule or one route of ours, not for anybody's."""
    problems = []
    for name, each in resources(template, PERMISSION).items():
        source = text(each.get("SourceArn", ""))
        rule = re.fullmatch(r"<\w+\.Arn>", source)
        route = re.search(r":execute-api:.*:<\w+>/\*/[A-Z]+/[^*]", source)
        wanted = {"events.amazonaws.com": rule, "apigateway.amazonaws.com": route}
        if each.get("Action") != "lambda:InvokeFunction":
            problems.append(f"{name} allows {each.get('Action')}")
        if not wanted.get(each.get("Principal")):
            problems.append(f"{name} lets {each.get('Principal')} invoke for {source or 'anybody'}")
    return problems


def check_one_strategy(template: Template) -> list[str]:
    """Pings, provisioned copies and snapshots exclude each other; so do weights and the second."""
    pinged = {text(t["Arn"]) for r in resources(template, RULE).values() for t in r["Targets"]}
    snapshots = {
        f"<{name}>"
        for name, each in resources(template, FUNCTION).items()
        if each.get("SnapStart", {}).get("ApplyOn", "None") != "None"
    }
    problems = []
    for name, alias in resources(template, ALIAS).items():
        provisioned = alias.get("ProvisionedConcurrencyConfig")
        chosen = [
            word
            for word, holds in (
                ("provisioned", bool(provisioned)),
                ("keep_warm", f"<{name}>" in pinged),
                ("snapstart", text(alias["FunctionName"]) in snapshots),
            )
            if holds
        ]
        if len(chosen) > 1:
            problems.append(f"{name} has {' and '.join(chosen)}")
        if provisioned and alias.get("RoutingConfig"):
            problems.append(f"{name} has weights and provisioned concurrency")
    return problems


def check_pings(template: Template) -> list[str]:
    """A round reaches as many copies as it says, at once, and the handler knows it for a ping."""
    problems = []
    for name, rule in resources(template, RULE).items():
        if "ScheduleExpression" not in rule:
            continue
        pings = [json.loads(target.get("Input", "null")) for target in rule["Targets"]]
        holds = [hold_of(each) for each in pings]
        if not 1 <= len(pings) <= MOST_TARGETS:
            problems.append(f"{name} has {len(pings)} targets")
        if any(hold is None or hold < SAFE_HOLD_MS for hold in holds):
            problems.append(f"{name} sends what is no ping, or one that is over too soon")
            continue
        numbers = [each["groundwork"]["warm"] for each in pings]
        if [(each["ping"], each["of"]) for each in numbers] != [
            (number, len(pings)) for number in range(1, len(pings) + 1)
        ]:
            problems.append(f"{name} does not number its pings")
        if not re.fullmatch(r"rate\(\d+ minutes?\)", rule["ScheduleExpression"]):
            problems.append(f"{name} does not repeat")
        if rule.get("State") != "ENABLED":
            problems.append(f"{name} is off")
        if any(
            target.get("RetryPolicy", {}).get("MaximumRetryAttempts") != 0
            for target in rule["Targets"]
        ):
            problems.append(f"{name} repeats pings that are late already")
    return problems


def check_asynchronous_failures(template: Template) -> list[str]:
    """Whatever a rule invokes has somewhere to put failures, and may put them there."""
    queues = {f"<{name}.Arn>" for name in resources(template, QUEUE)}
    configured = {
        (text(each["FunctionName"]), each["Qualifier"]): text(
            each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        )
        for each in resources(template, ASYNCHRONOUS).values()
    }
    aliases = resources(template, ALIAS)
    problems = []
    for name, rule in resources(template, RULE).items():
        for target in rule["Targets"]:
            if text(target.get("DeadLetterConfig", {}).get("Arn", "")) not in queues:
                problems.append(f"{name}/{target['Id']} loses what it cannot deliver")
            alias = aliases.get(text(target["Arn"]).strip("<>"), {})
            function = text(alias.get("FunctionName", ""))
            queue = configured.get((function, alias.get("Name", "")), "")
            if queue not in queues:
                problems.append(f"{name}/{target['Id']}: failures of {function} are lost")
            elif queue not in _may_send(template, function):
                problems.append(f"{function} may not send to {queue}")
    return problems


def _may_send(template: Template, function: str) -> set[str]:
    properties = resources(template, FUNCTION)[function.strip("<>")]
    role = resources(template, "AWS::IAM::Role")[text(properties["Role"])[1:].split(".")[0]]
    return {
        text(resource)
        for policy in role.get("Policies", [])
        for statement in statements(policy["PolicyDocument"])
        if "sqs:SendMessage" in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
    }


def check_provisioned_capacity(template: Template) -> list[str]:
    """Tracked, never below 1 (also not by schedule), and made after the alias."""
    problems = []
    targets = resources(template, TARGET)
    tracked = {
        text(each.get("ScalingTargetId", "")) for each in resources(template, POLICY).values()
    }
    for name, alias in resources(template, ALIAS).items():
        config = alias.get("ProvisionedConcurrencyConfig")
        found = [key for key, each in targets.items() if f"<{name}>" in _inside(each["ResourceId"])]
        if not config:
            problems += [f"{key} scales what is not provisioned" for key in found]
            continue
        if config.get("ProvisionedConcurrentExecutions", 0) < 1:
            problems.append(f"{name} provisions nothing")
        if len(found) != 1:
            problems.append(f"{name} is not scaled")
            continue
        target = targets[found[0]]
        problems += _target_problems(found[0], target)
        if f"<{found[0]}>" not in tracked:
            problems.append(f"{found[0]} follows no utilization")
        if name not in as_list(template["Resources"][found[0]].get("DependsOn")):
            problems.append(f"{found[0]} may be made before its alias")
    return problems + _tracking_problems(template)


def _target_problems(name: str, target: Properties) -> list[str]:
    problems = []
    if (target.get("ServiceNamespace"), target.get("ScalableDimension")) != (
        "lambda",
        "lambda:function:ProvisionedConcurrency",
    ):
        problems.append(f"{name} scales something else")
    ranges = [
        target,
        *(each["ScalableTargetAction"] for each in target.get("ScheduledActions", [])),
    ]
    if any(each.get("MinCapacity", 0) < 1 for each in ranges):
        problems.append(f"{name} may scale to 0, which breaks the next deployment")
    if any(each.get("MinCapacity", 0) > each.get("MaxCapacity", 0) for each in ranges):
        problems.append(f"{name} has a minimum above its maximum")
    return problems


def _tracking_problems(template: Template) -> list[str]:
    problems = []
    for name, policy in resources(template, POLICY).items():
        configuration = policy.get("TargetTrackingScalingPolicyConfiguration", {})
        metric = configuration.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
        if metric != "LambdaProvisionedConcurrencyUtilization":
            problems.append(f"{name} tracks {metric}")
        if not 0.1 <= configuration.get("TargetValue", 0) <= 0.9:
            problems.append(f"{name} aims at {configuration.get('TargetValue')}")
    return problems


def _inside(value: Any) -> str:
    """Intrinsic functions anywhere inside, such as Select over Split."""
    found = re.findall(r"\{'Ref': '(\w+)'\}", str(value))
    return "".join(f"<{name}>" for name in found)


def check_function_alarms(template: Template) -> list[str]:
    """Errors, throttles, near time-outs; spill-over and failed events where there can be some."""
    problems = []
    alarms = resources(template, ALARM)
    provisioned = {
        text(each["FunctionName"])
        for each in resources(template, ALIAS).values()
        if each.get("ProvisionedConcurrencyConfig")
    }
    for function, properties in resources(template, FUNCTION).items():
        wanted = {"Errors", "Throttles", "Duration"}
        if f"<{function}>" in provisioned:
            wanted.add("ProvisionedConcurrencySpilloverInvocations")
        found = {
            each["MetricName"]: each
            for each in alarms.values()
            if {"Name": "FunctionName", "Value": {"Ref": function}} in each.get("Dimensions", [])
        }
        problems += [f"{function} has no alarm on {metric}" for metric in wanted - set(found)]
        longest = 0.9 * properties.get("Timeout", 3) * 1000
        if found.get("Duration", {}).get("Threshold") != longest:
            problems.append(f"{function}: time-outs are not announced at {longest} ms")
    watched = {
        text(dimension["Value"])
        for each in alarms.values()
        if each.get("MetricName") == "ApproximateNumberOfMessagesVisible"
        for dimension in each["Dimensions"]
    }
    problems += [
        f"nobody looks into {name}"
        for name in resources(template, QUEUE)
        if f"<{name}.QueueName>" not in watched
    ]
    return problems


def check_alarms_reach_somebody(template: Template) -> list[str]:
    return [
        f"{name}: {wrong}"
        for name, alarm in resources(template, ALARM).items()
        for wrong, holds in (
            ("nobody hears it", "AlarmTopic" in text(alarm.get("AlarmActions", []))),
            ("missing data is not decided", alarm.get("TreatMissingData") == "notBreaching"),
            ("it does not say what it is about", bool(alarm.get("AlarmDescription"))),
        )
        if not holds
    ]


def check_routes_are_guarded(template: Template) -> list[str]:
    """Every route asks who calls, and has a permission of its own to invoke."""
    problems = []
    sources = [text(each.get("SourceArn", "")) for each in resources(template, PERMISSION).values()]
    for name, route in resources(template, ROUTE).items():
        if route.get("AuthorizationType") not in ("AWS_IAM", "JWT"):
            problems.append(f"{name} is open to everybody")
        if route.get("AuthorizationType") == "JWT" and not route.get("AuthorizerId"):
            problems.append(f"{name} has no authorizer")
        method, _, path = route["RouteKey"].partition(" ")
        ending = f"/*/{method}{re.sub(r'{[^}]+}', '*', path)}"
        if not any(source.endswith(ending) for source in sources):
            problems.append(f"{name} may not invoke its function")
    return problems


def check_api_is_limited_and_logged(template: Template) -> list[str]:
    problems = []
    groups = {
        f"<{name}.Arn>": text(group.get("LogGroupName", ""))
        for name, group in resources(template, "AWS::Logs::LogGroup").items()
    }
    for name, stage in resources(template, STAGE).items():
        settings = stage.get("DefaultRouteSettings", {})
        if not settings.get("ThrottlingRateLimit") or not settings.get("ThrottlingBurstLimit"):
            problems.append(f"{name} is not throttled")
        log = stage.get("AccessLogSettings", {})
        if text(log.get("DestinationArn", "")) not in groups:
            problems.append(f"{name} has no access log")
        elif not groups[text(log["DestinationArn"])].startswith("/aws/vendedlogs/"):
            problems.append(f"{name} takes a line of the account's policies for log groups")
        elif not {"requestId", "status", "routeKey"} <= set(json.loads(log["Format"])):
            problems.append(f"{name} logs too little to find a request")
        if stage.get("StageName") != "$default" or stage.get("AutoDeploy") is not True:
            problems.append(f"{name} shows changes only after a deployment of its own")
    if len(resources(template, STAGE)) != 1:
        problems.append("there is not exactly one stage")
    return problems


def check_api_waits_for_its_functions(template: Template) -> list[str]:
    """A function that the API invokes ends before the API gives up; format 2.0 is what it reads."""
    problems = []
    aliases = resources(template, ALIAS)
    functions = resources(template, FUNCTION)
    for name, integration in resources(template, INTEGRATION).items():
        alias = aliases.get(text(integration["IntegrationUri"]).strip("<>"), {})
        function = functions.get(text(alias.get("FunctionName", "")).strip("<>"), {})
        if function.get("Timeout", 0) >= LONGEST_API_SECONDS:
            problems.append(f"{name}: the API gives up before the function")
        if integration.get("PayloadFormatVersion") != "2.0":
            problems.append(f"{name} speaks a format that the handler does not read")
    return problems


def check_function_outputs(template: Template) -> list[str]:
    wanted = {"ApiUrl", "JobsFunctionArn"}
    return [f"there is no output {name}" for name in wanted - set(template.get("Outputs", {}))]
