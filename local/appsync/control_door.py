"""What tests and the demo may do to AppSync; POST /_groundwork/appsync/<name>.

| control | request | effect |
| --- | --- | --- |
| appsync/refuse | `status`, and `seconds` or `times` | HTTP requests get this status; 0 cuts them |
| appsync/latency | `seconds` | every HTTP request waits that long first |
| appsync/drop | `code`, `refuse_seconds` | every WebSocket is cut, or closed with a code |
| appsync/clock | `offset_seconds` | data's clock runs ahead; what expires thereby is deleted |
| appsync/clock | `credentials_offset_seconds` | keys and tokens expire so much earlier |
| appsync/reset | | no faults, clock right |
| appsync/logs | | the last lines that resolvers logged |
| appsync/apis | | deployed APIs, their URLs and keys |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.appsync.data_plane import DataPlane
from local.appsync.deployed_api import api_ids
from local.appsync.expiry import delete_expired
from local.appsync.faults import Faults
from local.appsync.realtime import Realtime
from local.engine_parts import ControlError, ControlHandler

Request = Mapping[str, Any]


class AppSyncControls:
    """The controls of one AppSync."""

    def __init__(self, plane: DataPlane, faults: Faults, realtime: Realtime) -> None:
        self._plane = plane
        self._faults = faults
        self._realtime = realtime

    def handlers(self) -> Mapping[str, ControlHandler]:
        """By name."""
        return {
            "appsync/refuse": self._refuse,
            "appsync/latency": self._latency,
            "appsync/drop": self._drop,
            "appsync/clock": self._clock,
            "appsync/reset": self._reset,
            "appsync/logs": self._logs,
            "appsync/apis": self._apis,
        }

    async def _refuse(self, request: Request) -> Request:
        status = int(_number(request, "status", 503))
        if status != 0 and not 400 <= status <= 599:
            raise ControlError(f"status {status} must be 0 (cut) or from 400 to 599")
        times = request.get("times")
        seconds = request.get("seconds")
        if (times is None) == (seconds is None):
            raise ControlError("give either seconds or times")
        self._faults.refuse(status, seconds=seconds, times=times)
        return self._faults.described()

    async def _latency(self, request: Request) -> Request:
        self._faults.latency_seconds = _number(request, "seconds", 0.0)
        return self._faults.described()

    async def _drop(self, request: Request) -> Request:
        self._faults.refuse_realtime(_number(request, "refuse_seconds", 0.0))
        code = request.get("code")
        return {"dropped": self._realtime.drop(int(code) if code is not None else None)}

    async def _clock(self, request: Request) -> Request:
        clock, tables = self._plane.clock, self._plane.tables
        clock.credentials_offset = _number(
            request, "credentials_offset_seconds", clock.credentials_offset
        )
        deleted = 0
        if "offset_seconds" in request:
            clock.offset = _number(request, "offset_seconds", 0.0)
            now = clock.seconds()
            deleted = await self._plane.in_thread(lambda: delete_expired(tables, now))
        return {
            "offset_seconds": clock.offset,
            "credentials_offset_seconds": clock.credentials_offset,
            "now": clock.milliseconds(),
            "deleted": deleted,
        }

    async def _reset(self, _request: Request) -> Request:
        self._plane.clock.offset = self._plane.clock.credentials_offset = 0.0
        self._faults.clear()
        return self._faults.described()

    async def _logs(self, _request: Request) -> Request:
        return {"lines": list(self._plane.logs)}

    async def _apis(self, _request: Request) -> Request:
        from ministack.services import appsync

        return {
            "apis": [
                {
                    "id": api_id,
                    "name": appsync._apis[api_id]["name"],
                    "graphql": appsync._apis[api_id]["uris"]["GRAPHQL"],
                    "realtime": appsync._apis[api_id]["uris"]["REALTIME"],
                    "keys": list(appsync._api_keys.get(api_id) or {}),
                }
                for api_id in api_ids()
            ]
        }


def _number(request: Request, name: str, default: float) -> float:
    try:
        number = float(request.get(name, default))
    except (TypeError, ValueError):
        raise ControlError(f"{name} must be a number") from None
    if number < 0:
        raise ControlError(f"{name} {number:g} must not be negative")
    return number
