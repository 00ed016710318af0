"""One API as it is deployed: MiniStack's records, read anew for each request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.appsync.api_schema import ApiSchema, api_schema
from local.appsync.errors import RequestError

Record = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class DeployedApi:
    """What a request needs of an API."""

    api_id: str
    record: Record
    schema: ApiSchema
    resolvers: Mapping[str, Mapping[str, Record]]
    functions: Mapping[str, Record]
    data_sources: Mapping[str, Record]
    keys: Mapping[str, Record]

    @property
    def default_mode(self) -> str:
        """The mode of fields without a directive."""
        return str(self.record.get("authenticationType") or "API_KEY")

    @property
    def providers(self) -> list[Record]:
        """The default and the additional authorization providers."""
        return [self.record, *(self.record.get("additionalAuthenticationProviders") or ())]

    @property
    def modes(self) -> set[str]:
        """The authorization modes that the API has."""
        return {str(each.get("authenticationType") or "API_KEY") for each in self.providers}

    @property
    def introspection(self) -> bool:
        """Whether the schema may be asked for."""
        return bool(self.record.get("introspectionConfig", "ENABLED") != "DISABLED")

    @property
    def environment(self) -> dict[str, str]:
        """`ctx.env`."""
        return dict(self.record.get("environmentVariables") or {})

    def resolver(self, type_name: str, field_name: str) -> Record | None:
        """The resolver of a field, if it has one."""
        return self.resolvers.get(type_name, {}).get(field_name)


def deployed_api(api_id: str) -> DeployedApi:
    """The API with an id. Raises RequestError."""
    from ministack.services import appsync

    record = appsync._apis.get(api_id)
    schema = appsync._schemas.get(api_id)
    if record is None:
        raise RequestError(404, "NotFoundException", f"GraphQL API {api_id} not found.")
    if not schema:
        raise RequestError(400, "GraphQLSchemaException", "No schema has been created.")
    return DeployedApi(
        api_id=api_id,
        record=record,
        schema=api_schema(schema["definition"]),
        resolvers=appsync._resolvers.get(api_id) or {},
        functions=appsync._functions.get(api_id) or {},
        data_sources=appsync._data_sources.get(api_id) or {},
        keys=appsync._api_keys.get(api_id) or {},
    )


def api_ids() -> list[str]:
    """All APIs of the engine's account."""
    from ministack.services import appsync

    return list(appsync._apis)
