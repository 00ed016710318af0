"""AWS::Lambda::Url: an address that every client can reach, and events that say who signed them.

MiniStack's own has the URL's id in a host of AWS's, which leads out of this machine. It answers by
path as well, so that is what the attribute says here. What streams is in local/function_urls.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from local.types.handlers import Outcome, table

PREFIX = "/_aws/lambda-url"


def register() -> None:
    """Replace the attribute after MiniStack's own create and update; add to its events."""
    from ministack.services import lambda_svc

    handlers = table()["AWS::Lambda::Url"]
    for operation in ("create", "update"):
        handlers[operation] = _reachable(handlers[operation])
    lambda_svc._build_function_url_event = _identified(lambda_svc._build_function_url_event)


def _reachable(stock: Callable[..., Outcome]) -> Callable[..., Outcome]:
    def handler(*arguments: Any, **options: Any) -> Outcome:
        from ministack.services import apigateway

        url, attributes = stock(*arguments, **options)
        host = urlsplit(attributes["FunctionUrl"]).hostname or ""
        engine = f"http://{apigateway._HOST}:{apigateway._PORT}"
        return url, {**attributes, "FunctionUrl": f"{engine}{PREFIX}/{host.partition('.')[0]}/"}

    return handler


def _identified(stock: Callable[..., Any]) -> Callable[..., Any]:
    """Who signed the request, as far as the keys are known here.

    https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-request-payload
    """
    from ministack.services import apigateway

    @functools.wraps(stock)
    def event(*request: Any, anonymous: bool = False, **more: Any) -> Any:
        made = stock(*request, anonymous=anonymous, **more)
        headers, query = request[5], request[7]
        iam = None if anonymous else apigateway._iam_caller_identity_v2(headers, query)
        if iam:
            made["requestContext"]["authorizer"] = {"iam": iam}
        return made

    return event
