"""Functions that AppSync invokes: data sources, conflict handlers, authorizers.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-reference-lambda-js.html
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from local.appsync.errors import FieldError


def invoke(arn: str, event: Mapping[str, Any]) -> Any:
    """What the function returned. Raises FieldError when it is missing or failed.

    Blocks while the function runs, so it is called on a thread of its own, never on the loop.
    """
    from ministack.services import lambda_svc

    function, config, _ = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise FieldError(f"Function not found: {arn}", "Lambda:ResourceNotFoundException")
    record = lambda_svc._execution_record_for_config(function, config)
    # By way of JSON: the emulator may keep the event.
    answer = lambda_svc._execute_function_with_config_scope(record, json.loads(json.dumps(event)))
    body = answer.get("body")
    if isinstance(body, str | bytes):
        with contextlib.suppress(ValueError):
            body = json.loads(body)
    if answer.get("error"):
        said = body.get("errorMessage") if isinstance(body, Mapping) else None
        raise FieldError(str(said or "The function failed"), "Lambda:Unhandled")
    return body
