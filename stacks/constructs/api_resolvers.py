"""Every field of the API that is resolved, as a pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import aws_appsync as appsync
from constructs import Construct

from stacks.appsync_source import Model, Resolver, function_code
from stacks.constructs.versioned_model import RUNTIME, VersionedModel

WITHOUT_DATA_SOURCE = "subscribe"


class ApiResolvers(Construct):
    """A resolver decides who may do what; the functions of its pipeline do it.

    Subscriptions need no data source: their one function sets the filter by which AppSync decides
    whom it tells of a change
    (https://docs.aws.amazon.com/appsync/latest/devguide/aws-appsync-real-time-enhanced-filtering.html).
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        api_id: str,
        schema: appsync.CfnGraphQLSchema,
        models: Sequence[Model],
        versioned: Mapping[str, VersionedModel],
    ) -> None:
        super().__init__(scope, construct_id)
        self._api_id = api_id
        self._schema = schema
        self._versioned = versioned
        self._subscribe = self._function_without_data_source()
        for model in models:
            for resolver in model.resolvers:
                self._resolver(resolver)

    def _function_without_data_source(self) -> str:
        source = appsync.CfnDataSource(
            self, "Nothing", api_id=self._api_id, name="Nothing", type="NONE"
        )
        function = appsync.CfnFunctionConfiguration(
            self,
            "Subscribe",
            api_id=self._api_id,
            name=WITHOUT_DATA_SOURCE,
            data_source_name=source.attr_name,
            runtime=RUNTIME,
            code=function_code(WITHOUT_DATA_SOURCE),
        )
        function.add_resource_dependency(self._schema)
        return function.attr_function_id

    def _resolver(self, resolver: Resolver) -> None:
        known = self._versioned[resolver.model].functions if resolver.model else {}
        appsync.CfnResolver(
            self,
            f"{resolver.type_name}{resolver.field[0].upper()}{resolver.field[1:]}",
            api_id=self._api_id,
            type_name=resolver.type_name,
            field_name=resolver.field,
            kind="PIPELINE",
            runtime=RUNTIME,
            code=resolver.code,
            pipeline_config={
                "functions": [known.get(name, self._subscribe) for name in resolver.functions]
            },
        ).add_resource_dependency(self._schema)
