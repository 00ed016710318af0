"""AppSync's HTTP and WebSocket endpoint, in front of everything else on the engine's port."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from local.appsync.addresses import Address, address
from local.appsync.data_plane import DataPlane
from local.appsync.faults import CUT, Faults, cut
from local.appsync.realtime import Realtime
from local.appsync.signatures import SignedRequest
from local.asgi import Asgi, answer, header_map, source_ip, whole_body

CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "*, authorization, content-type, x-api-key, x-amz-date, "
    "x-amz-security-token, x-amz-user-agent, x-amz-content-sha256",
    "access-control-expose-headers": "x-amzn-requestid, x-amzn-errortype, x-amz-user-agent",
    "access-control-max-age": "172800",
}
JSON = "application/json;charset=UTF-8"


class HttpDoor:
    """An ASGI application that answers for deployed APIs and passes everything else on."""

    def __init__(self, inner: Asgi, plane: DataPlane, faults: Faults, realtime: Realtime) -> None:
        self._inner = inner
        self._plane = plane
        self._faults = faults
        self._realtime = realtime

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one connection's scope."""
        if scope["type"] not in ("http", "websocket"):
            await self._inner(scope, receive, send)
            return
        headers = header_map(scope)
        found = address(scope["path"], headers.get("host", ""))
        if found is None:
            await self._inner(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._realtime.serve(found, scope, headers, receive, send)
        elif scope["method"] == "OPTIONS":
            await answer(send, 200, b"", CORS)
        elif scope["method"] == "POST" and not found.realtime:
            await self._post(found, scope, headers, receive, send)
        else:
            await self._inner(scope, receive, send)

    async def _post(
        self,
        found: Address,
        scope: Mapping[str, Any],
        headers: Mapping[str, str],
        receive: Any,
        send: Any,
    ) -> None:
        body = await whole_body(receive)
        await self._faults.delay()
        refusal = self._faults.refusal()
        if refusal == CUT:
            cut(receive)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if refusal is not None:
            content = json.dumps({"message": "Service Unavailable"}).encode()
            await answer(send, refusal, content, {**CORS, "content-type": JSON})
            return
        request = SignedRequest(
            method="POST",
            path=scope.get("raw_path", scope["path"].encode()).decode().partition("?")[0],
            query=parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True),
            headers=headers,
            body=body,
        )
        status, told, more = await self._plane.answer(found.api_id, request, source_ip(scope))
        content = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
        await answer(send, status, content, {**CORS, "content-type": JSON, **more})
