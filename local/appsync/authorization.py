"""Which of an API's authorization modes a request uses, and whether it passes.

https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from local.appsync.callers import Caller
from local.appsync.clock import Clock
from local.appsync.deployed_api import DeployedApi
from local.appsync.errors import FieldError, RequestError
from local.appsync.signatures import ALGORITHM, SignedRequest, signer_of
from local.appsync.tokens import user_of

MISSING = "Valid authorization header not provided."
REFUSED = "You are not authorized to make this call."


class Authorization:
    """Verifies requests for all APIs of the engine."""

    def __init__(
        self, *, clock: Clock, account: str, invoke: Callable[[str, Mapping[str, Any]], Any]
    ) -> None:
        self._clock = clock
        self._account = account
        self._invoke = invoke

    def caller(
        self,
        api: DeployedApi,
        request: SignedRequest,
        source_ip: str,
        operation: Mapping[str, Any] | None = None,
    ) -> Caller:
        """Who calls. Raises RequestError."""
        headers = request.headers
        token = headers.get("authorization", "")
        if "API_KEY" in api.modes and "x-api-key" in headers:
            return self._key_holder(api, headers["x-api-key"])
        if token.startswith(ALGORITHM):
            if "AWS_IAM" not in api.modes:
                raise _unauthorized(MISSING)
            return signer_of(request, account=self._account, now=time.time(), source_ip=source_ip)
        if not token:
            raise _unauthorized(REFUSED if "x-api-key" in headers else MISSING)
        return self._bearer(api, token, source_ip, operation or {})

    def _key_holder(self, api: DeployedApi, key: str) -> Caller:
        record = api.keys.get(key)
        if record is None or int(record["expires"]) <= self._clock.credentials_seconds():
            raise _unauthorized(REFUSED)
        return Caller(mode="API_KEY")

    def _bearer(
        self, api: DeployedApi, token: str, source_ip: str, operation: Mapping[str, Any]
    ) -> Caller:
        bare = token.removeprefix("Bearer ").strip()
        function = _authorizer(api)
        if "AMAZON_COGNITO_USER_POOLS" in api.modes:
            try:
                providers = list(api.providers)
                now = self._clock.credentials_seconds()
                return user_of(bare, providers, now=now, source_ip=source_ip)
            except RequestError:
                if function is None or bare.count(".") == 2:
                    raise
        if function is None:
            raise _unauthorized(MISSING)
        return self._ask_authorizer(api, function, token, operation)

    def _ask_authorizer(
        self,
        api: DeployedApi,
        config: Mapping[str, Any],
        token: str,
        operation: Mapping[str, Any],
    ) -> Caller:
        """Payload and answer: .../devguide/security-authz.html#aws-lambda-authorization."""
        expression = config.get("identityValidationExpression")
        if expression and not re.search(expression, token):
            raise _unauthorized(REFUSED)
        event = {
            "authorizationToken": token,
            "requestContext": {
                "apiId": api.api_id,
                "accountId": self._account,
                "requestId": "local",
                "queryString": operation.get("query"),
                "operationName": operation.get("operationName"),
                "variables": operation.get("variables") or {},
            },
        }
        try:
            answer = self._invoke(str(config["authorizerUri"]), event)
        except FieldError:
            raise _unauthorized(REFUSED) from None
        if not isinstance(answer, Mapping) or answer.get("isAuthorized") is not True:
            raise _unauthorized(REFUSED)
        return Caller(
            mode="AWS_LAMBDA",
            identity={"resolverContext": answer.get("resolverContext") or {}},
            denied_fields=frozenset(answer.get("deniedFields") or ()),
        )


def _authorizer(api: DeployedApi) -> Mapping[str, Any] | None:
    for each in api.providers:
        config: Mapping[str, Any] | None = each.get("lambdaAuthorizerConfig")
        if config:
            return config
    return None


def _unauthorized(message: str) -> RequestError:
    return RequestError(401, "UnauthorizedException", message)
