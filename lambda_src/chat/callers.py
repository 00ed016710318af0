"""Whose question it is: the tenant and the user, as the API's authorizer knows them.

A request may name a tenant only where the deployment lets its caller: a service that asks on behalf
of others. A claim of a token is never overruled.
"""

from __future__ import annotations

from edge.http_api import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from edge.http_api import Request

NO_TENANT = "default"


class Caller:
    """Tenant and user. Conversations and cached answers belong to the tenant, the former to the
    user as well.
    """

    __slots__ = ("tenant", "user")

    def __init__(self, tenant: str, user: str) -> None:
        self.tenant = tenant
        self.user = user


def caller_of(
    event: Mapping[str, Any], request: Request, *, named: str | None, environ: Mapping[str, str]
) -> Caller:
    """Read who asks. Raises Problem 403 for a tenant that the caller may not name."""
    own = _claim(event, environ.get("TENANT_CLAIM") or "tenant") or NO_TENANT
    if named is None or named == own:
        return Caller(own, request.caller)
    trusted = [each.strip() for each in environ.get("TENANT_CALLERS", "").split(",")]
    if request.caller.startswith("arn:") and any(_covers(each, request.caller) for each in trusted):
        return Caller(named, request.caller)
    raise Problem(
        403, "Not your tenant", "tenant: you may not ask for another tenant; leave it out"
    )


def _covers(trusted: str, arn: str) -> bool:
    """An ARN means itself; only with `/` at its end what begins with it, such as the sessions of a
    role: without, the role Portal would vouch for Portal-debug.
    """
    return arn == trusted or (trusted.endswith("/") and arn.startswith(trusted))


def _claim(event: Mapping[str, Any], name: str) -> str:
    authorizer = (event.get("requestContext") or {}).get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims") or {}
    value = claims.get(name) if isinstance(claims, dict) else None
    return str(value) if value else ""
