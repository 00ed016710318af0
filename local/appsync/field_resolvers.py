"""One field's resolver: unit or pipeline, handlers in APPSYNC_JS, data sources behind them.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-overview-js.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.appsync.callers import Caller
from local.appsync.clock import Clock
from local.appsync.deployed_api import DeployedApi, Record
from local.appsync.errors import FieldError, unauthorized
from local.appsync.javascript import Outcome, code
from local.appsync.subscription_filters import check
from local.appsync.table_requests import TableRequests
from local.appsync.versioned_source import ConflictRules, FieldCall, TableSource

FUNCTIONS_IN_PIPELINE = 10


@dataclass(kw_only=True)
class ResolvedField:
    """The invocation of a resolver; handlers share its stash."""

    api: DeployedApi
    caller: Caller
    parent_type: str
    name: str
    arguments: dict[str, Any]
    source: Any
    info: Mapping[str, Any]
    constant: str
    stash: dict[str, Any] = field(default_factory=dict)
    appended: list[FieldError] = field(default_factory=list)
    filter: Mapping[str, Any] | None = None
    invalidation_filter: Mapping[str, Any] | None = None
    invalidations: list[Mapping[str, Any]] = field(default_factory=list)
    response_headers: dict[str, str] = field(default_factory=dict)
    previous: Any = None

    def context(self, **more: Any) -> dict[str, Any]:
        """The `ctx` of a handler, without its constant part."""
        return {
            "arguments": self.arguments,
            "source": self.source,
            "stash": self.stash,
            "info": self.info,
            "prev": {"result": self.previous},
            "outErrors": [
                {"message": each.message, "type": each.error_type} for each in self.appended
            ],
            **more,
        }

    def call(self, scope: str, region: str) -> FieldCall:
        """For conflict handlers and page tokens."""
        return FieldCall(
            parent_type=self.parent_type,
            field=self.name,
            arguments=self.arguments,
            identity=self.caller.identity,
            region=region,
            scope=f"{self.api.api_id}/{scope}",
        )


def constant_context(api: DeployedApi, caller: Caller, headers: Mapping[str, str]) -> str:
    """What every `ctx` of an operation has in common, as JSON: it is parsed once per thread."""
    return json.dumps(
        {
            "identity": caller.identity,
            "request": {"headers": dict(headers), "domainName": None},
            "env": api.environment,
        }
    )


class FieldResolvers:
    """Runs the resolvers of all APIs."""

    def __init__(
        self,
        *,
        tables: TableRequests,
        clock: Clock,
        region: str,
        invoke: Callable[[str, Mapping[str, Any]], Any],
        log: Callable[[str, str], None],
    ) -> None:
        self._tables = tables
        self._clock = clock
        self._region = region
        self._invoke = invoke
        self._log = log

    def resolve(self, resolver: Record, resolved: ResolvedField) -> Any:
        """The field's value. Raises FieldError."""
        if resolver.get("kind") == "PIPELINE":
            return self._pipeline(resolver, resolved)
        scope = f"{resolved.parent_type}.{resolved.name}"
        result, _ = self._stage(resolver, resolved, scope, resolver.get("syncConfig"))
        return result

    def _pipeline(self, resolver: Record, resolved: ResolvedField) -> Any:
        """Before, the functions in turn, after."""
        scope = f"{resolved.parent_type}.{resolved.name}"
        before = self._handler(resolver, "request", resolved, scope)
        resolved.previous = before.result
        if before.skip_to is None:
            for function_id in (resolver.get("pipelineConfig") or {}).get("functions") or ():
                function = resolved.api.functions.get(function_id)
                if function is None:
                    raise FieldError(f"Function {function_id} not found", "BadRequest")
                name = f"functions/{function_id}"
                resolved.previous, skip_to = self._stage(
                    function, resolved, name, function.get("syncConfig")
                )
                if skip_to == "END":
                    break
        after = self._handler(resolver, "response", resolved, scope, result=resolved.previous)
        return after.result

    def _stage(
        self,
        unit: Record,
        resolved: ResolvedField,
        scope: str,
        sync_config: Mapping[str, Any] | None,
    ) -> tuple[Any, str | None]:
        """Request handler, data source, response handler; an early return skips the last two."""
        before = self._handler(unit, "request", resolved, scope)
        if before.skip_to is not None:
            return before.result, before.skip_to
        outcome: dict[str, Any] = {"result": None}
        try:
            outcome["result"] = self._ask(unit, before.result, resolved, scope, sync_config)
        except FieldError as error:
            outcome = {"result": error.data, "error": error.as_context()}
        after = self._handler(unit, "response", resolved, scope, **outcome)
        return after.result, after.skip_to

    def _ask(
        self,
        unit: Record,
        request: Any,
        resolved: ResolvedField,
        scope: str,
        sync_config: Mapping[str, Any] | None,
    ) -> Any:
        source = resolved.api.data_sources.get(str(unit.get("dataSourceName")))
        if source is None:
            raise FieldError(f"Data source {unit.get('dataSourceName')} not found", "BadRequest")
        given = request if isinstance(request, Mapping) else {}
        if source["type"] == "NONE":
            return given.get("payload")
        if source["type"] == "AMAZON_DYNAMODB":
            rules = ConflictRules.of(sync_config)
            call = resolved.call(scope, self._region)
            return self._tables.run(given, TableSource.of(source), rules, call)
        if source["type"] == "AWS_LAMBDA":
            arn = str((source.get("lambdaConfig") or {}).get("lambdaFunctionArn"))
            return self._invoke(arn, given.get("payload") or {})
        raise FieldError(f"Data sources of type {source['type']} are not played", "BadRequest")

    def _handler(
        self, unit: Record, handler: str, resolved: ResolvedField, scope: str, **more: Any
    ) -> Outcome:
        text = str(unit.get("code") or "")
        if not text:
            return self._direct(handler, resolved, more)
        module = code(text)
        if handler not in module.handlers:
            return Outcome(result=more.get("result"))
        host = {"now": self._clock.milliseconds(), "authType": resolved.caller.auth_type}
        outcome = module.run(handler, resolved.context(**more), host, resolved.constant)
        self._take(outcome, resolved, f"{scope} {handler}")
        return outcome

    def _direct(self, handler: str, resolved: ResolvedField, more: Mapping[str, Any]) -> Outcome:
        """A resolver without code hands its whole context to its function.

        https://docs.aws.amazon.com/appsync/latest/devguide/direct-lambda-reference.html
        """
        if handler == "response":
            if error := more.get("error"):
                raise FieldError(str(error["message"]), error["type"], data=more.get("result"))
            return Outcome(result=more.get("result"))
        return Outcome(result={"payload": {**json.loads(resolved.constant), **resolved.context()}})

    def _take(self, outcome: Outcome, resolved: ResolvedField, where: str) -> None:
        """What a handler leaves behind beside its result."""
        for line in outcome.logs:
            self._log(where, line)
        resolved.stash = outcome.stash
        resolved.appended += [_error(each) for each in outcome.appended]
        resolved.response_headers |= outcome.headers
        check(outcome.filter)
        check(outcome.invalidation_filter)
        resolved.filter = outcome.filter or resolved.filter
        resolved.invalidation_filter = outcome.invalidation_filter or resolved.invalidation_filter
        resolved.invalidations += outcome.invalidations
        if outcome.error:
            if outcome.error.get("unauthorized"):
                raise unauthorized(resolved.parent_type, resolved.name)
            raise _error(outcome.error)


def _error(raised: Mapping[str, Any]) -> FieldError:
    return FieldError(
        str(raised["message"]), raised["type"], data=raised["data"], info=raised["info"]
    )
