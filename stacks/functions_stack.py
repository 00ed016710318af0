"""Functions, and the HTTP API in front of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.bundling import Bundle
from stacks.constructs.http_api import HttpApi
from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
from stacks.cross_stack_references import hold_on_to_imports
from stacks.fleet import Fleet
from stacks.settings import Settings
from stacks.settings_functions import JobsSettings


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What a function gets beside its settings; nothing by default."""

    environment: Mapping[str, str] = field(default_factory=dict)
    permissions: Mapping[str, Sequence[iam.PolicyStatement]] = field(default_factory=dict)
    routes: Sequence[str] = ()
    invoked_by_events: bool = False


class FunctionsStack(Stack):
    """One function for each entry of FUNCTIONS, wired by its entry below, if it has one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        package: Callable[[str], Bundle],
        fleet: Fleet,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            scope, construct_id, description="Groundwork: functions and their API", **kwargs
        )
        hold_on_to_imports(self)
        self._settings = settings
        self._package = package
        self._fleet = fleet
        self.functions: dict[str, PythonFunction] = {}
        wirings = {"jobs": self._jobs()}

        api = HttpApi(
            self,
            "Http",
            name=construct_id,
            settings=settings.api,
            log_retention_days=settings.functions.log_retention_days,
            encryption_key=fleet.encryption_key,
            alarm_topic=fleet.alarm_topic,
        )
        for name in settings.function:
            wiring = wirings.get(name, Wiring())
            function = self.functions[name] = self._function(name, wiring)
            for route in wiring.routes:
                api.add_route(route, function.alias)
            CfnOutput(self, f"{_title(name)}FunctionArn", value=function.alias.function_arn)
        CfnOutput(self, "ApiUrl", value=api.url)

    def _jobs(self) -> Wiring:
        """Submits to the fleet's queue and keeps the table of jobs."""
        settings = self._settings.function["jobs"]
        assert isinstance(settings, JobsSettings)
        fleet = self._fleet
        table, queue, key = fleet.jobs_table, fleet.queue, fleet.encryption_key
        permissions = {
            "jobs": [
                iam.PolicyStatement(
                    actions=["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"],
                    resources=[table.table_arn],
                )
            ],
            "messages": [
                iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn])
            ],
        }
        if key:
            permissions["keys"] = [
                iam.PolicyStatement(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn]
                )
            ]
        return Wiring(
            environment={
                "JOBS_TABLE": table.table_name,
                "QUEUE_URL": queue.queue_url,
                "JOBS_KEEP_DAYS": str(settings.keep_days),
            },
            permissions=permissions,
            routes=["POST /jobs", "GET /jobs/{id}"],
        )

    def _function(self, name: str, wiring: Wiring) -> PythonFunction:
        return PythonFunction(
            self,
            _title(name),
            inputs=PythonFunctionInputs(
                name=name,
                package=self._package(name),
                settings=self._settings.function[name],
                alarm_topic=self._fleet.alarm_topic,
                log_retention_days=self._settings.functions.log_retention_days,
                encryption_key=self._fleet.encryption_key,
                environment=wiring.environment,
                permissions=wiring.permissions,
                invoked_by_events=wiring.invoked_by_events,
            ),
        )


def _title(name: str) -> str:
    return name.replace("_", " ").title().replace(" ", "")
