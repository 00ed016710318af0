"""AWS::AppSync::* as CloudFormation makes them, where MiniStack's records are hollow.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_AppSync.html

MiniStack forgets functions, code that lies in S3, and updates of data sources and resolvers. Here
schema and code are checked as AppSync checks them, so that what cannot work fails to deploy.
"""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType

from local.appsync.addresses import graphql_url, realtime_url
from local.appsync.api_schema import SchemaError, api_schema
from local.appsync.code_rules import CodeError
from local.appsync.javascript import code
from local.types.handlers import Outcome, Properties, required, table

ID_LETTERS = string.ascii_lowercase + string.digits
WEEK_SECONDS = 7 * 86400
TEMPLATES = ("RequestMappingTemplate", "ResponseMappingTemplate")
MODES = ("LAMBDA", "AUTOMERGE", "OPTIMISTIC_CONCURRENCY", "NONE")


@dataclass(frozen=True, kw_only=True)
class AppSyncTypes:
    """The handlers; `endpoint` is where the engine listens."""

    endpoint: str

    def register(self) -> None:
        """Replace MiniStack's handlers."""
        stock = table()["AWS::AppSync::GraphQLApi"]
        table()["AWS::AppSync::GraphQLApi"] = {
            "create": lambda *given: self._api(stock["create"](*given)),
            "update": lambda arn, *given: self._api(stock["update"](_last(arn), *given)),
            "delete": lambda arn, properties: stock["delete"](_last(arn), properties),
        }
        self._address_created_apis()
        _replace("GraphQLSchema", _create_schema, _delete_schema, always=("ApiId",))
        _replace("DataSource", _create_source, _delete_source, always=("ApiId", "Name"))
        _replace("FunctionConfiguration", _create_function, _delete_function, always=("ApiId",))
        _replace(
            "Resolver",
            _create_resolver,
            _delete_resolver,
            always=("ApiId", "TypeName", "FieldName"),
        )
        _replace("ApiKey", _create_key, _delete_key, always=("ApiId",))

    def _address_created_apis(self) -> None:
        """CreateGraphqlApi gives out the same addresses as CloudFormation."""
        from ministack.services import appsync

        stock = appsync._create_graphql_api

        def create(body: Mapping[str, Any]) -> Any:
            made = _accepted(stock(body))["graphqlApi"]
            self._address(made["apiId"])
            return appsync._get_graphql_api(made["apiId"])

        appsync._create_graphql_api = create

    def _address(self, api_id: str) -> dict[str, Any]:
        """Addresses that a client of this machine can reach."""
        from ministack.services import appsync

        record: dict[str, Any] = appsync._apis[api_id]
        host = self.endpoint.partition("://")[2]
        record["uris"] = {
            "GRAPHQL": graphql_url(self.endpoint, api_id),
            "REALTIME": realtime_url(self.endpoint, api_id),
        }
        record["dns"] = {"GRAPHQL": host, "REALTIME": host}
        return record

    def _api(self, made: Outcome) -> Outcome:
        """Ref is the ARN."""
        api_id, attributes = made
        record = self._address(api_id)
        host = record["dns"]["GRAPHQL"]
        return str(attributes["Arn"]), {
            "ApiId": api_id,
            "Arn": attributes["Arn"],
            "GraphQLUrl": record["uris"]["GRAPHQL"],
            "RealtimeUrl": record["uris"]["REALTIME"],
            "GraphQLDns": host,
            "RealtimeDns": host,
            "GraphQLEndpointArn": f"{attributes['Arn']}/endpoints/graphql-api",
        }


Create = Callable[[Properties, str | None], Outcome]
Delete = Callable[[str, Properties], None]


def _replace(name: str, create: Create, delete: Delete, *, always: tuple[str, ...]) -> None:
    """`create` also updates: it is given the physical id then; what is in `always` replaces."""

    def made(_logical_id: str, properties: Properties, _stack: str) -> Outcome:
        return create(properties, None)

    def updated(physical_id: str, old: Properties, new: Properties, _stack: str) -> Outcome:
        if any(old.get(each) != new.get(each) for each in always):
            outcome = create(new, None)
            if outcome[0] != physical_id:
                delete(physical_id, old)
            return outcome
        return create(new, physical_id)

    table()[f"AWS::AppSync::{name}"] = {"create": made, "update": updated, "delete": delete}


# Schema


def _create_schema(properties: Properties, _existing: str | None) -> Outcome:
    from ministack.services import appsync

    api_id = required(properties, "ApiId")
    definition = _text(properties, "Definition", "DefinitionS3Location")
    try:
        api_schema(definition)
    except SchemaError as error:
        raise ValueError(f"Schema Creation Status is FAILED with details: {error}") from None
    _api_record(api_id)
    appsync._schemas[api_id] = {
        "definition": definition,
        "status": "SUCCESS",
        "details": "Successfully created schema.",
    }
    return f"{api_id}GraphQLSchema", {"Id": f"{api_id}GraphQLSchema"}


def _delete_schema(_physical_id: str, properties: Properties) -> None:
    from ministack.services import appsync

    appsync._schemas.pop(properties["ApiId"], None)


# Data sources


def _create_source(properties: Properties, _existing: str | None) -> Outcome:
    from ministack.services import appsync
    from ministack.services.cloudformation import provisioners

    api_id, name = required(properties, "ApiId"), required(properties, "Name")
    kind = required(properties, "Type")
    body = {"name": name, "type": kind}
    for member, value in properties.items():
        if member not in ("ApiId", "Name", "Type"):
            body[f"{member[0].lower()}{member[1:]}"] = provisioners._pascal_to_camel(value)
    if kind == "AMAZON_DYNAMODB":
        body["dynamodbConfig"] = _table_config(properties)
        body.pop("dynamoDBConfig", None)
    record = _accepted(appsync._create_data_source(api_id, body))["dataSource"]
    arn = str(record["dataSourceArn"])
    return arn, {"DataSourceArn": arn, "Name": name}


def _table_config(properties: Properties) -> dict[str, Any]:
    """The table, and the delta table of a versioned source.

    https://docs.aws.amazon.com/appsync/latest/APIReference/API_DynamodbDataSourceConfig.html
    """
    given = required(properties, "DynamoDBConfig")
    versioned = str(given.get("Versioned", False)).lower() == "true"
    config: dict[str, Any] = {
        "tableName": required(given, "TableName"),
        "awsRegion": required(given, "AwsRegion"),
        "useCallerCredentials": str(given.get("UseCallerCredentials", False)).lower() == "true",
        "versioned": versioned,
    }
    delta = given.get("DeltaSyncConfig")
    if versioned and not delta:
        raise ValueError("DeltaSyncConfig is required for a versioned data source (BadRequest)")
    if delta:
        config["deltaSyncConfig"] = {
            "baseTableTTL": int(required(delta, "BaseTableTTL")),
            "deltaSyncTableName": required(delta, "DeltaSyncTableName"),
            "deltaSyncTableTTL": int(required(delta, "DeltaSyncTableTTL")),
        }
    return config


def _delete_source(arn: str, properties: Properties) -> None:
    from ministack.services import appsync

    appsync._data_sources.get(properties["ApiId"], {}).pop(_last(arn), None)


# Functions and resolvers


def _create_function(properties: Properties, existing: str | None) -> Outcome:
    from ministack.services import appsync

    api_id = required(properties, "ApiId")
    _api_record(api_id)
    body = _unit(properties, api_id)
    body |= {"name": required(properties, "Name")}
    body["description"] = properties.get("Description", "")
    required(properties, "DataSourceName")
    function_id = _last(existing) if existing else _identifier()
    record = appsync._function_record(api_id, function_id, body)
    appsync._functions.setdefault(api_id, {})[function_id] = record
    return str(record["functionArn"]), {
        "FunctionArn": record["functionArn"],
        "FunctionId": function_id,
        "Name": record["name"],
        "DataSourceName": record["dataSourceName"],
    }


def _delete_function(arn: str, properties: Properties) -> None:
    from ministack.services import appsync

    appsync._functions.get(properties["ApiId"], {}).pop(_last(arn), None)


def _create_resolver(properties: Properties, _existing: str | None) -> Outcome:
    from ministack.services import appsync

    api_id = required(properties, "ApiId")
    type_name, field = required(properties, "TypeName"), required(properties, "FieldName")
    _api_record(api_id)
    _check_field(api_id, type_name, field)
    body = _unit(properties, api_id)
    body |= {"fieldName": field, "kind": properties.get("Kind", "UNIT")}
    if body["kind"] == "PIPELINE":
        functions = (properties.get("PipelineConfig") or {}).get("Functions") or []
        missing = [each for each in functions if each not in (appsync._functions.get(api_id) or {})]
        if missing:
            raise ValueError(f"No function found with id {missing[0]} (NotFoundException)")
        body["pipelineConfig"] = {"functions": list(functions)}
    record = _accepted(appsync._create_resolver(api_id, type_name, body))["resolver"]
    attributes = {"ResolverArn": record["resolverArn"], "TypeName": type_name, "FieldName": field}
    return str(record["resolverArn"]), attributes


def _delete_resolver(_arn: str, properties: Properties) -> None:
    from ministack.services import appsync

    of_api = appsync._resolvers.get(properties["ApiId"], {})
    of_api.get(properties["TypeName"], {}).pop(properties["FieldName"], None)


def _unit(properties: Properties, api_id: str) -> dict[str, Any]:
    """What resolvers and functions have in common."""
    from ministack.services import appsync
    from ministack.services.cloudformation import provisioners

    used = [
        each for each in TEMPLATES if properties.get(each) or properties.get(f"{each}S3Location")
    ]
    if used:
        raise ValueError(
            f"{used[0]}: mapping templates (VTL) are not played locally; use APPSYNC_JS"
        )
    body: dict[str, Any] = {}
    source = properties.get("DataSourceName")
    if source:
        if source not in (appsync._data_sources.get(api_id) or {}):
            raise ValueError(f"No data source found named {source} (NotFoundException)")
        body["dataSourceName"] = source
    if properties.get("Code") or properties.get("CodeS3Location"):
        body["code"] = _text(properties, "Code", "CodeS3Location")
        runtime = required(properties, "Runtime")
        body["runtime"] = {"name": runtime["Name"], "runtimeVersion": runtime["RuntimeVersion"]}
        try:
            code(body["code"])
        except CodeError as error:
            raise ValueError(f"{error} (BadRequestException)") from None
    for name in ("SyncConfig", "CachingConfig", "MetricsConfig"):
        if properties.get(name):
            body[f"{name[0].lower()}{name[1:]}"] = provisioners._pascal_to_camel(properties[name])
    handler = (body.get("syncConfig") or {}).get("conflictHandler", "NONE")
    if handler not in MODES:
        raise ValueError(f"SyncConfig.ConflictHandler {handler} must be one of {', '.join(MODES)}")
    if properties.get("MaxBatchSize"):
        body["maxBatchSize"] = int(properties["MaxBatchSize"])
    return body


def _check_field(api_id: str, type_name: str, field: str) -> None:
    from ministack.services import appsync

    schema = appsync._schemas.get(api_id)
    if not schema:
        raise ValueError("No schema has been created; the resolver must depend on the schema")
    each = api_schema(schema["definition"]).graphql.type_map.get(type_name)
    if not isinstance(each, GraphQLObjectType) or field not in each.fields:
        raise ValueError(f"No field named {field} found on type {type_name} (NotFoundException)")


# Keys


def _create_key(properties: Properties, existing: str | None) -> Outcome:
    from ministack.services import appsync

    api_id = required(properties, "ApiId")
    record = _api_record(api_id)
    now = int(time.time())
    expires = int(properties.get("Expires") or now + WEEK_SECONDS)
    key = _last(existing) if existing else f"da2-{_identifier()}"
    keys = appsync._api_keys.setdefault(api_id, {})
    keys[key] = {
        "id": key,
        "description": properties.get("Description", ""),
        "expires": expires - expires % 3600,  # rounded down to the hour
        "deletes": expires + 60 * 86400,
    }
    arn = f"{record['arn']}/apikeys/{key}"
    return arn, {"ApiKey": key, "ApiKeyId": key, "Arn": arn}


def _delete_key(arn: str, properties: Properties) -> None:
    from ministack.services import appsync

    appsync._api_keys.get(properties["ApiId"], {}).pop(_last(arn), None)


# Reading


def _text(properties: Properties, inline: str, location: str) -> str:
    """A text in the template, or the S3 object that it names, as CDK's assets do."""
    if properties.get(inline):
        return str(properties[inline])
    from ministack.services import s3

    bucket, _, key = str(required(properties, location)).removeprefix("s3://").partition("/")
    content = s3._get_object_data(bucket, key)
    if content is None:
        raise ValueError(f"{location} s3://{bucket}/{key} does not exist")
    return bytes(content).decode()


def _api_record(api_id: str) -> Mapping[str, Any]:
    from ministack.services import appsync

    record: Mapping[str, Any] | None = appsync._apis.get(api_id)
    if record is None:
        raise ValueError(f"GraphQL API {api_id} not found (NotFoundException)")
    return record


def _accepted(answer: tuple[int, Mapping[str, str], bytes]) -> dict[str, Any]:
    status, _, body = answer
    content: dict[str, Any] = json.loads(body)
    if status >= 300:
        raise ValueError(str(content.get("message", content)))
    return content


def _identifier() -> str:
    return "".join(secrets.choice(ID_LETTERS) for _ in range(26))


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
