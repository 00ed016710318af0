"""Lambda functions: reserved concurrency, how rules invoke them, and what is counted.

MiniStack drops ReservedConcurrentExecutions of a template, counts direct invocations alone in
AWS/Lambda, and lets rules run a function's version once, whatever the alias they name says about
retries and destinations. Here every invocation counts, and a rule invokes as
Lambda does: the handler sees the alias in its ARN, and the alias's configuration for asynchronous
invocations holds (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html).
"""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from local.types.handlers import Properties, extend, table

logger = logging.getLogger("groundwork.functions")


def register() -> None:
    """Apply what the stock handlers leave out; take over deliveries of EventBridge."""
    from ministack.services import eventbridge, lambda_svc

    extend("AWS::Lambda::Function", applied=_reserve)
    handlers = table()["AWS::Lambda::Function"]
    stock = handlers["delete"]

    def delete(function: str, properties: Properties) -> None:
        stock(function, properties)
        lambda_svc.invalidate_worker(function)  # its copies would idle on otherwise

    handlers["delete"] = delete
    _count_every_invocation()
    eventbridge._dispatch_to_lambda = invoke_asynchronously


def _count_every_invocation() -> None:
    """Report where every invocation passes, and no longer where the Invoke API ends."""
    from ministack.services import lambda_svc

    emit, dispatch = lambda_svc._emit_lambda_metrics, lambda_svc._execute_function_dispatch

    def throttles(name: str, *, throttle: bool, **values: Any) -> None:
        if throttle:
            emit(name, throttle=True, **values)

    def counted(
        function: Any, config: dict[str, Any], event: Any, request: str, started: float
    ) -> Any:
        result = dispatch(function, config, event, request, started)
        failed = bool(result.get("error")) if isinstance(result, dict) else False
        milliseconds = (time.time() - started) * 1000
        emit(config["FunctionName"], duration_ms=milliseconds, error=failed, throttle=False)
        return result

    lambda_svc._emit_lambda_metrics = throttles
    lambda_svc._execute_function_dispatch = counted


def _reserve(function: str, old: Properties, new: Properties) -> None:
    from ministack.services import lambda_svc

    wanted = new.get("ReservedConcurrentExecutions")
    if wanted is not None:
        lambda_svc._put_function_concurrency(
            function, {"ReservedConcurrentExecutions": int(wanted)}
        )
    elif "ReservedConcurrentExecutions" in old:
        lambda_svc._delete_function_concurrency(function)


def invoke_asynchronously(arn: str, payload: str) -> None:
    """Queue an event for the function, version or alias of an ARN."""
    from ministack.services import lambda_svc

    name, qualifier = lambda_svc._lambda_function_name_and_qualifier_from_arn(arn)
    base, _, _ = lambda_svc._get_base_func_record_for_ref(arn)
    record, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if not base or not record or not config:
        logger.warning("a rule cannot reach %s: there is no such function", arn)
        return
    asynchronous = (base.get("event_invoke_configs") or {}).get(qualifier or "$LATEST")
    execution: dict[str, Any] = {
        **record,
        "config": {**config, "FunctionArn": arn},
        "concurrency": base.get("concurrency"),
        "event_invoke_config": asynchronous or {},
    }
    lambda_svc.invoke_async_with_retry(execution, _event(payload))
    logger.debug("rule -> %s", name)


def _event(payload: str) -> Any:
    try:
        return json.loads(payload)
    except (TypeError, ValueError):
        return payload
