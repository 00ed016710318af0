"""The offline-first backend: devices work without a network and converge when it is back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.appsync_source import read_models
from stacks.bundling import Bundle
from stacks.constructs.api_resolvers import ApiResolvers
from stacks.constructs.customer_key import customer_key
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
from stacks.cross_stack_references import hold_on_to_imports
from stacks.settings import Settings

CONFLICT_RESOLVER = "conflict_resolver"


class OfflineStack(Stack):
    """GraphQL API on versioned tables, with users, photos and a handler of conflicts."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        package: Callable[[str], Bundle],
        alarm_topic: sns.ITopic,
        **kwargs: Any,
    ) -> None:
        offline = settings.offline
        super().__init__(
            scope,
            construct_id,
            description="Groundwork: offline-first API",
            termination_protection=offline.retain_data,
            **kwargs,
        )
        hold_on_to_imports(self)
        models = read_models()

        photos = PhotoBucket(self, "Photos", retain_data=offline.retain_data).bucket
        users = OfflineUsers(self, "Users", settings=offline, photos=photos)
        self.api = OfflineApi(
            self, "Offline", name=construct_id, settings=offline, users=users.pool
        )
        tables = VersionedTables(
            self,
            "Tables",
            retain_data=offline.retain_data,
            encryption_key=customer_key(
                self, "TablesKey", settings=offline, holds="offline tables"
            ),
        )
        resolver = PythonFunction(
            self,
            "ConflictResolver",
            inputs=PythonFunctionInputs(
                name=CONFLICT_RESOLVER,
                package=package(CONFLICT_RESOLVER),
                settings=settings.conflict_resolver,
                alarm_topic=alarm_topic,
                log_retention_days=offline.log_retention_days,
            ),
        )
        strategies = _conflict_strategies(resolver)
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
                    delta_minutes=offline.delta_minutes,
                    tombstone_minutes=offline.tombstone_minutes,
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
        if offline.waf:
            from stacks.constructs.api_firewall import ApiFirewall

            ApiFirewall(
                self,
                "Firewall",
                name=construct_id,
                api=self.api.api,
                requests_per_five_minutes=offline.waf_requests_per_five_minutes,
                log_retention_days=offline.log_retention_days,
            )
        OfflineAlarms(
            self,
            "Alarms",
            api_id=self.api.api_id,
            tables={**base, "Delta": tables.delta},
            latency_ms=offline.latency_alarm_ms,
            topic=alarm_topic,
        )

        CfnOutput(self, "GraphqlUrl", value=self.api.api.attr_graph_ql_url)
        CfnOutput(self, "GraphqlApiId", value=self.api.api_id)
        CfnOutput(self, "UserPoolId", value=users.pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=users.client.user_pool_client_id)
        CfnOutput(self, "IdentityPoolId", value=users.identities.ref)
        CfnOutput(self, "PhotosBucketName", value=photos.bucket_name)
        if self.api.api_key:
            CfnOutput(self, "ApiKeyId", value=self.api.api_key.attr_api_key_id)


def _conflict_strategies(resolver: PythonFunction) -> dict[str, ConflictStrategy]:
    """One of each, by what a change of the model means.

    - Site: dispatchers add hints to the same list, so lists are joined, and what is there
      already is worth more than what somebody last saw a while ago.
    - WorkOrder: has a life of its own that only goes forward, which rules for types of fields
      cannot say, so a function decides.
    - Note: is its author's alone, on perhaps two devices; nobody but the author can say which
      text is meant, so the device is told.
    """
    return {
        "Site": ConflictStrategy(kind="AUTOMERGE"),
        "WorkOrder": ConflictStrategy(kind="LAMBDA", handler=resolver.alias),
        "Note": ConflictStrategy(kind="OPTIMISTIC_CONCURRENCY"),
    }
