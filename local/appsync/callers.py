"""Who calls: verified, and as resolvers see them in `ctx.identity`.

https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html#aws-appsync-resolver-context-reference-identity-js
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.appsync.api_schema import Rules

AUTH_TYPES = {
    "API_KEY": "API Key Authorization",
    "AWS_IAM": "IAM Authorization",
    "AMAZON_COGNITO_USER_POOLS": "User Pool Authorization",
    "OPENID_CONNECT": "Open ID Connect Authorization",
    "AWS_LAMBDA": "Lambda Authorization",
}


@dataclass(frozen=True, kw_only=True)
class Caller:
    """A caller of one request or one subscription."""

    mode: str
    identity: Mapping[str, Any] | None = None
    groups: frozenset[str] = frozenset()
    denied_fields: frozenset[str] = field(default_factory=frozenset)
    expires: float | None = None

    @property
    def auth_type(self) -> str:
        """What `util.authType()` returns."""
        return AUTH_TYPES[self.mode]

    def may_see(self, rules: Rules | None, default_mode: str) -> bool:
        """Whether a field's directives let this caller in; without any, the default mode only."""
        if not rules:
            return self.mode == default_mode
        if self.mode not in rules:
            return False
        groups = rules[self.mode]
        return groups is None or bool(groups & self.groups)
