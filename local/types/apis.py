"""AWS::ApiGatewayV2::Api: an endpoint that every client can reach.

MiniStack's own has the API's id in the host name, which does not resolve on a bare address. It
answers by path as well, so that is what the attribute says here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from local.types.handlers import Outcome, table

PREFIX = "/_aws/execute-api"


def register() -> None:
    """Replace the attribute after MiniStack's own create and update."""
    handlers = table()["AWS::ApiGatewayV2::Api"]
    for operation in ("create", "update"):
        handlers[operation] = _with_endpoint(handlers[operation])


def _with_endpoint(stock: Callable[..., Outcome]) -> Callable[..., Outcome]:
    def handler(*arguments: Any, **options: Any) -> Outcome:
        from ministack.services import apigateway

        api, attributes = stock(*arguments, **options)
        endpoint = f"http://{apigateway._HOST}:{apigateway._PORT}{PREFIX}/{api}"
        apigateway._apis[api]["apiEndpoint"] = endpoint
        return api, {**attributes, "ApiEndpoint": endpoint}

    return handler
