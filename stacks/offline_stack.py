"""The offline-first backend: devices work without a network and converge when it is back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.appsync_source import read_models
from stacks.bundling import Bundle
from stacks.constructs.api_resolvers import ApiResolvers
from stacks.constructs.offline_alarms import OfflineAlarms
from stacks.constructs.offline_api import OfflineApi
from stacks.constructs.offline_users import OfflineUsers
from stacks.constructs.photo_bucket import PhotoBucket
from stacks.constructs.python_function import PythonFunction, PythonFunctionInputs
from stacks.constructs.versioned_model import (
    ConflictStrategy,
    VersionedModel,
    VersionedModelInputs,
)
from stacks.constructs.versioned_tables import VersionedTables
from stacks.settings_function import FunctionSettings
from stacks.settings_offline import OfflineSettings

CONFLICT_RESOLVER = "conflict_resolver"


@dataclass(frozen=True, kw_only=True)
class OfflineStackInputs:
    """Settings, the conflict handler's package, and where alarms go."""

    settings: OfflineSettings
    resolver: FunctionSettings
    resolver_package: Bundle
    alarm_topic: sns.ITopic


class OfflineStack(Stack):
    """GraphQL API on versioned tables, with users, photos and a handler of conflicts."""

    def __init__(
        self, scope: Construct, construct_id: str, *, inputs: OfflineStackInputs, **kwargs: Any
    ) -> None:
        settings = inputs.settings
        super().__init__(
            scope,
            construct_id,
            description="Groundwork: offline-first API",
            termination_protection=settings.retain_data,
            **kwargs,
        )
        # As in the fleet's stack: what is imported cannot be deleted or replaced unnoticed.
        self.node.set_context("@aws-cdk/core:defaultCrossStackReferences", "strong")
        self._inputs = inputs
        models = read_models()

        photos = PhotoBucket(self, "Photos", retain_data=settings.retain_data).bucket
        users = OfflineUsers(self, "Users", settings=settings, photos=photos)
        self.api = OfflineApi(
            self, "Offline", name=construct_id, settings=settings, users=users.pool
        )
        tables = VersionedTables(
            self, "Tables", retain_data=settings.retain_data, encryption_key=self._key()
        )
        strategies = self._conflict_strategies()
        versioned = {}
        base = {}
        for model in models:
            base[model.name] = tables.add(model.name, model.indexes)
            versioned[model.name] = VersionedModel(
                self,
                model.name,
                inputs=VersionedModelInputs(
                    api_id=self.api.api_id,
                    schema=self.api.schema,
                    model=model,
                    functions=sorted(
                        {
                            function
                            for each in models
                            for resolver in each.resolvers
                            if resolver.model == model.name
                            for function in resolver.functions
                        }
                    ),
                    table=base[model.name],
                    delta_table=tables.delta,
                    delta_minutes=settings.delta_minutes,
                    tombstone_minutes=settings.tombstone_minutes,
                    conflicts=strategies[model.name],
                ),
            )
        ApiResolvers(
            self,
            "Resolvers",
            api_id=self.api.api_id,
            schema=self.api.schema,
            models=models,
            versioned=versioned,
        )
        if settings.waf:
            from stacks.constructs.api_firewall import ApiFirewall

            ApiFirewall(
                self,
                "Firewall",
                name=construct_id,
                api=self.api.api,
                requests_per_five_minutes=settings.waf_requests_per_five_minutes,
                log_retention_days=settings.log_retention_days,
            )
        OfflineAlarms(
            self,
            "Alarms",
            api_id=self.api.api_id,
            tables={**base, "Delta": tables.delta},
            latency_ms=settings.latency_alarm_ms,
            topic=inputs.alarm_topic,
        )

        CfnOutput(self, "GraphqlUrl", value=self.api.api.attr_graph_ql_url)
        CfnOutput(self, "GraphqlApiId", value=self.api.api_id)
        CfnOutput(self, "UserPoolId", value=users.pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=users.client.user_pool_client_id)
        CfnOutput(self, "IdentityPoolId", value=users.identities.ref)
        CfnOutput(self, "PhotosBucketName", value=photos.bucket_name)
        if self.api.api_key:
            CfnOutput(self, "ApiKeyId", value=self.api.api_key.attr_api_key_id)

    def _conflict_strategies(self) -> dict[str, ConflictStrategy]:
        """One of each, by what a change of the model means.

        - Site: dispatchers add hints to the same list, so lists are joined, and what is there
          already is worth more than what somebody last saw a while ago.
        - WorkOrder: has a life of its own that only goes forward, which rules for types of fields
          cannot say, so a function decides.
        - Note: is its author's alone, on perhaps two devices; nobody but the author can say which
          text is meant, so the device is told.
        """
        function = PythonFunction(
            self,
            "ConflictResolver",
            inputs=PythonFunctionInputs(
                name=CONFLICT_RESOLVER,
                package=self._inputs.resolver_package,
                settings=self._inputs.resolver,
                alarm_topic=self._inputs.alarm_topic,
                log_retention_days=self._inputs.settings.log_retention_days,
            ),
        )
        return {
            "Site": ConflictStrategy(kind="AUTOMERGE"),
            "WorkOrder": ConflictStrategy(kind="LAMBDA", handler=function.alias),
            "Note": ConflictStrategy(kind="OPTIMISTIC_CONCURRENCY"),
        }

    def _key(self) -> kms.Key | None:
        settings = self._inputs.settings
        if not settings.customer_key:
            return None
        return kms.Key(
            self,
            "TablesKey",
            description="Groundwork: offline tables",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN if settings.retain_data else RemovalPolicy.DESTROY,
        )
