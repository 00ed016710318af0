"""GraphQL requests from the wire to the answer, for HTTP and for subscriptions alike."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from graphql import OperationType

from local.appsync.authorization import Authorization
from local.appsync.callers import Caller
from local.appsync.clock import Clock
from local.appsync.deployed_api import DeployedApi, deployed_api
from local.appsync.documents import document
from local.appsync.errors import DocumentError, RequestError
from local.appsync.execution import Execution
from local.appsync.field_resolvers import FieldResolvers
from local.appsync.lambda_calls import invoke
from local.appsync.signatures import SignedRequest
from local.appsync.subscribers import Subscribers
from local.appsync.table_requests import TableRequests
from local.appsync.tables import Tables
from local.engine_config import EngineConfig

THREADS = 16
LOG_LINES = 500
T = TypeVar("T")
logger = logging.getLogger("groundwork.appsync")


class DataPlane:
    """Everything that answering needs; one for all APIs of the engine."""

    def __init__(self, config: EngineConfig, loop: asyncio.AbstractEventLoop) -> None:
        self.clock = Clock()
        self.subscribers = Subscribers()
        self.logs: deque[str] = deque(maxlen=LOG_LINES)
        self.tables = Tables(loop)
        self._loop = loop
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="appsync")
        self._authorization = Authorization(clock=self.clock, account=config.account, invoke=invoke)
        self._resolvers = FieldResolvers(
            tables=TableRequests(tables=self.tables, clock=self.clock, invoke=invoke),
            clock=self.clock,
            region=config.region,
            invoke=invoke,
            log=self._log,
        )

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run off the loop: resolvers wait for DynamoDB and for functions."""
        context = contextvars.copy_context()
        return await self._loop.run_in_executor(self._threads, lambda: context.run(work))

    def on_loop(self, work: Callable[[], None]) -> None:
        """Run on the loop, soon."""
        self._loop.call_soon_threadsafe(work)

    async def answer(
        self, api_id: str, request: SignedRequest, source_ip: str
    ) -> tuple[int, Mapping[str, Any], Mapping[str, str]]:
        """HTTP status, body and headers of a POST."""
        try:
            execution, answer = await self.in_thread(
                lambda: self._execute(api_id, request, source_ip)
            )
        except RequestError as error:
            return error.status, error.body(), {"x-amzn-errortype": error.error_type}
        except DocumentError as error:
            return 200, error.body(), {}
        if execution.document.kind is OperationType.MUTATION:
            self.subscribers.publish(execution, answer)
        headers: dict[str, str] = {}
        for resolved in execution.resolved:
            headers |= resolved.response_headers
        return 200, answer, headers

    def caller(
        self,
        api: DeployedApi,
        request: SignedRequest,
        source_ip: str,
        operation: Mapping[str, Any] | None = None,
    ) -> Caller:
        """Who calls. Raises RequestError."""
        return self._authorization.caller(api, request, source_ip, operation)

    def execution(
        self,
        api: DeployedApi,
        caller: Caller,
        operation: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Execution:
        """An operation that is ready to run. Raises RequestError, DocumentError."""
        return Execution(
            api=api,
            caller=caller,
            document=document(api, operation),
            resolvers=self._resolvers,
            headers=headers,
        )

    def _execute(
        self, api_id: str, request: SignedRequest, source_ip: str
    ) -> tuple[Execution, dict[str, Any]]:
        api = deployed_api(api_id)
        operation = operation_of(request.body)
        caller = self.caller(api, request, source_ip, operation)
        if operation is None:
            raise RequestError(
                400, "MalformedHttpRequestException", "Invalid JSON payload in POST request."
            )
        execution = self.execution(api, caller, operation, request.headers)
        if execution.document.kind is OperationType.SUBSCRIPTION:
            raise RequestError(
                400, "BadRequestException", "Subscriptions are served on the realtime endpoint."
            )
        return execution, execution.run()

    def _log(self, where: str, line: str) -> None:
        self.logs.append(f"{where} {line}")
        if line.startswith("ERROR"):
            logger.warning("%s %s", where, line)


def operation_of(body: bytes) -> dict[str, Any] | None:
    """None for what is no JSON object, or holds half a character that UTF-8 has no bytes for."""
    try:
        operation = json.loads(body)
        json.dumps(operation, ensure_ascii=False).encode()
    except ValueError:
        return None
    return operation if isinstance(operation, dict) else None
