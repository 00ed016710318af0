"""Breaks of functions and their API, with the rule that has to notice."""

from __future__ import annotations

import json
from typing import Any

from tests.stacks.checks_functions import (
    ALIAS,
    ASYNCHRONOUS,
    FUNCTION,
    INTEGRATION,
    PERMISSION,
    POLICY,
    ROUTE,
    RULE,
    STAGE,
    TARGET,
)
from tests.stacks.checks_jobs import TABLE
from tests.stacks.mutating import ALARM, QUEUE, Case, Mutation, changed, one, without
from tests.stacks.reading import Template, resources

LATEST = {"Fn::GetAtt": ["JobsFunction0F6DA2A5", "Arn"]}


def ping(**numbers: Any) -> Mutation:
    """Change the first ping of a round."""

    def mutate(template: Template) -> None:
        target = one(template, RULE)["Targets"][0]
        payload = json.loads(target["Input"])
        payload["groundwork"]["warm"].update(numbers)
        target["Input"] = json.dumps(payload)

    return mutate


def plain_event(template: Template) -> None:
    one(template, RULE)["Targets"][0]["Input"] = '{"source": "warmer"}'


def six_pings(template: Template) -> None:
    targets = one(template, RULE)["Targets"]
    targets[:] = [
        {
            **targets[0],
            "Id": f"Ping{number}",
            "Input": json.dumps(
                {"groundwork": {"warm": {"ping": number, "of": 6, "hold_ms": 100}}}
            ),
        }
        for number in range(1, 7)
    ]


def first_target(name: str, value: Any) -> Mutation:
    return changed(RULE, "", "Targets", 0, name, value)


def retry(template: Template) -> None:
    one(template, RULE)["Targets"][0]["RetryPolicy"]["MaximumRetryAttempts"] = 2


def second_alias(template: Template) -> None:
    template["Resources"]["Other"] = {
        "Type": ALIAS,
        "Properties": {**one(template, ALIAS), "Name": "other"},
    }


def no_send(template: Template) -> None:
    role = one(template, "AWS::IAM::Role", "Jobs")
    role["Policies"] = [each for each in role["Policies"] if each["PolicyName"] != "failures"]


def two_functions_one_role(template: Template) -> None:
    template["Resources"]["Second"] = {"Type": FUNCTION, "Properties": one(template, FUNCTION)}


def weights(template: Template) -> None:
    one(template, ALIAS)["RoutingConfig"] = {
        "AdditionalVersionWeights": [{"FunctionVersion": "1", "FunctionWeight": 0.1}]
    }


def snapshots(template: Template) -> None:
    one(template, FUNCTION)["SnapStart"] = {"ApplyOn": "PublishedVersions"}


def provisioned_too(template: Template) -> None:
    one(template, ALIAS)["ProvisionedConcurrencyConfig"] = {"ProvisionedConcurrentExecutions": 1}


def scheduled_zero(template: Template) -> None:
    action = one(template, TARGET)["ScheduledActions"][1]
    action["ScalableTargetAction"]["MinCapacity"] = 0


def early_target(template: Template) -> None:
    for resource in template["Resources"].values():
        if resource["Type"] == TARGET:
            del resource["DependsOn"]


def own_code(template: Template) -> None:
    template["Resources"]["Provider"] = {
        "Type": FUNCTION,
        "Properties": {**one(template, FUNCTION), "Handler": "index.handler"},
    }


def less_in_the_log(template: Template) -> None:
    one(template, STAGE)["AccessLogSettings"]["Format"] = '{"time": "$context.requestTime"}'


def no_permission_for(part: str) -> Mutation:
    def mutate(template: Template) -> None:
        (name,) = (each for each in resources(template, PERMISSION) if part in each)
        del template["Resources"][name]

    return mutate


def worker_policy(action: str) -> Mutation:
    def mutate(template: Template) -> None:
        role = one(template, "AWS::IAM::Role", "Permissions")
        (policy,) = (each for each in role["Policies"] if each["PolicyName"] == "progress")
        policy["PolicyDocument"]["Statement"][0]["Action"] = action

    return mutate


def plain(name: str, mutate: Mutation, rule: str) -> Case:
    return (name, "Functions", mutate, rule)


FUNCTION_MUTATIONS: list[Case] = [
    plain(
        "x86", changed(FUNCTION, "", "Architectures", ["x86_64"]), "check_function_runs_on_graviton"
    ),
    plain(
        "another Python",
        changed(FUNCTION, "", "Runtime", "python3.14"),
        "check_function_runs_on_graviton",
    ),
    plain("no memory", without(FUNCTION, "", "MemorySize"), "check_function_runs_on_graviton"),
    plain("no traces", without(FUNCTION, "", "TracingConfig"), "check_function_runs_on_graviton"),
    plain(
        "text logs", changed(FUNCTION, "", "LoggingConfig", "LogFormat", "Text"),
        "check_function_logs",
    ),
    plain(
        "logs somewhere else",
        without(FUNCTION, "", "LoggingConfig", "LogGroup"),
        "check_function_logs",
    ),
    plain("a shared role", two_functions_one_role, "check_role_per_function"),
    plain(
        "alias of the latest code",
        changed(ALIAS, "", "FunctionVersion", "$LATEST"),
        "check_alias_points_at_a_version",
    ),
    plain(
        "alias by another name", changed(ALIAS, "", "Name", "prod"),
        "check_alias_points_at_a_version",
    ),
    plain("two aliases", second_alias, "check_alias_points_at_a_version"),
    plain(
        "API calls the function", changed(INTEGRATION, "", "IntegrationUri", LATEST),
        "check_only_the_alias_is_invoked",
    ),
    plain("pings of the function", first_target("Arn", LATEST), "check_only_the_alias_is_invoked"),
    plain(
        "permission on the function",
        changed(PERMISSION, "Post", "FunctionName", LATEST),
        "check_only_the_alias_is_invoked",
    ),
    plain(
        "any rule may invoke", without(PERMISSION, "Warm", "SourceArn"),
        "check_permissions_name_their_source",
    ),
    plain(
        "everybody may invoke", changed(PERMISSION, "Warm", "Principal", "*"),
        "check_permissions_name_their_source",
    ),
    plain(
        "every action", changed(PERMISSION, "Warm", "Action", "lambda:*"),
        "check_permissions_name_their_source",
    ),
    plain("pings of what is provisioned", provisioned_too, "check_one_strategy"),
    plain("pings of snapshots", snapshots, "check_one_strategy"),
    plain("an event that is no ping", plain_event, "check_pings"),
    plain("pings out of step", ping(ping=2), "check_pings"),
    plain("pings too short", ping(hold_ms=10), "check_pings"),
    plain("six pings", six_pings, "check_pings"),
    plain("rule that is off", changed(RULE, "", "State", "DISABLED"), "check_pings"),
    plain(
        "pings once a day", changed(RULE, "", "ScheduleExpression", "cron(0 0 * * ? *)"),
        "check_pings",
    ),
    plain("late pings", retry, "check_pings"),
    plain(
        "pings lost on the way", changed(RULE, "", "Targets", 0, "DeadLetterConfig", {}),
        "check_asynchronous_failures",
    ),
    plain("failures are lost", without(ASYNCHRONOUS, ""), "check_asynchronous_failures"),
    plain(
        "failures of another alias", changed(ASYNCHRONOUS, "", "Qualifier", "$LATEST"),
        "check_asynchronous_failures",
    ),
    plain("failures are refused", no_send, "check_asynchronous_failures"),
    plain("no alarm on errors", without(ALARM, "AlarmsErrors"), "check_function_alarms"),
    plain("no alarm on throttles", without(ALARM, "AlarmsThrottles"), "check_function_alarms"),
    plain("no alarm on failed events", without(ALARM, "AlarmsFailed"), "check_function_alarms"),
    plain(
        "time-out announced too late",
        changed(ALARM, "AlarmsNearTimeout", "Threshold", 25_000),
        "check_function_alarms",
    ),
    plain("an alarm for nobody", changed(ALARM, "HttpServer", "AlarmActions", []),
          "check_alarms_reach_somebody"),
    plain("an open route", changed(ROUTE, "Post", "AuthorizationType", "NONE"),
          "check_routes_are_guarded"),
    plain("tokens of nobody", changed(ROUTE, "Get", "AuthorizationType", "JWT"),
          "check_routes_are_guarded"),
    plain("a route that may not invoke", no_permission_for("ApiGet"), "check_routes_are_guarded"),
    plain("no throttling", without(STAGE, "", "DefaultRouteSettings"),
          "check_api_is_limited_and_logged"),
    plain("no access log", without(STAGE, "", "AccessLogSettings", "DestinationArn"),
          "check_api_is_limited_and_logged"),
    plain("a log group of any name", without("AWS::Logs::LogGroup", "AccessLog", "LogGroupName"),
          "check_api_is_limited_and_logged"),
    plain("requests cannot be found", less_in_the_log, "check_api_is_limited_and_logged"),
    plain("deployed by hand", changed(STAGE, "", "AutoDeploy", False),
          "check_api_is_limited_and_logged"),
    plain("slower than the API", changed(FUNCTION, "", "Timeout", 30),
          "check_api_waits_for_its_functions"),
    plain("the old format", changed(INTEGRATION, "", "PayloadFormatVersion", "1.0"),
          "check_api_waits_for_its_functions"),
    plain("no URL", lambda t: t["Outputs"].pop("ApiUrl"), "check_function_outputs"),
    plain("logs for ever", without("AWS::Logs::LogGroup", "JobsLogs", "RetentionInDays"),
          "check_log_retention"),
    plain("failures in the open", without(QUEUE, "Failures", "SqsManagedSseEnabled"),
          "check_queues_are_encrypted"),
    plain("a function of the CDK's", own_code, "check_no_custom_resources"),
    (
        "jobs by document",
        "Fleet",
        changed(TABLE, "Jobs", "KeySchema", [{"AttributeName": "document", "KeyType": "HASH"}]),
        "check_jobs_table",
    ),
    (
        "jobs for ever",
        "Fleet",
        without(TABLE, "Jobs", "TimeToLiveSpecification"),
        "check_jobs_table",
    ),
    ("worker may not report", "Fleet", worker_policy("dynamodb:GetItem"),
     "check_the_worker_may_report"),
]  # fmt: skip

# These break the prod stage, whose functions are provisioned.
PROVISIONED_MUTATIONS: list[Case] = [
    plain("weights", weights, "check_one_strategy"),
    plain("snapshots of what is provisioned", snapshots, "check_one_strategy"),
    plain("capacity 0", changed(TARGET, "", "MinCapacity", 0), "check_provisioned_capacity"),
    plain("capacity 0 at night", scheduled_zero, "check_provisioned_capacity"),
    plain("no scaling", without(TARGET, ""), "check_provisioned_capacity"),
    plain("no tracking", without(POLICY, ""), "check_provisioned_capacity"),
    plain(
        "another function is scaled",
        changed(TARGET, "", "ResourceId", "function:other:live"),
        "check_provisioned_capacity",
    ),
    plain("scaled before it is there", early_target, "check_provisioned_capacity"),
    plain(
        "all copies in use",
        changed(POLICY, "", "TargetTrackingScalingPolicyConfiguration", "TargetValue", 1),
        "check_provisioned_capacity",
    ),
    plain("not provisioned", without(ALIAS, "", "ProvisionedConcurrencyConfig"),
          "check_provisioned_capacity"),
    plain("spill-over unseen", without(ALARM, "AlarmsSpillOver"), "check_function_alarms"),
]  # fmt: skip
