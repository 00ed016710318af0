"""JSON Web Tokens of the engine's user pools, verified.

https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
MiniStack's Cognito signs with a key pair per pool, published under /<pool>/.well-known/jwks.json.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from local.appsync.callers import Caller
from local.appsync.errors import RequestError

USES = ("access", "id")


def user_of(token: str, providers: list[Mapping[str, Any]], *, now: int, source_ip: str) -> Caller:
    """The user that a token names. Raises RequestError with AppSync's words."""
    header, claims, signature, signed = _parts(token)
    issuer = str(claims.get("iss", ""))
    pool = issuer.rpartition("/")[2]
    config = _provider(providers, pool)
    if config is None or claims.get("token_use") not in USES:
        raise _refused("Valid authorization header not provided.")
    _verify(pool, header, signature, signed)
    if float(claims.get("exp", 0)) <= now:
        raise _refused("Token has expired.")
    pattern = config.get("appIdClientRegex")
    client = str(claims.get("client_id") or claims.get("aud") or "")
    if pattern and not re.fullmatch(pattern, client):
        raise _refused("Valid authorization header not provided.")
    groups = frozenset(claims.get("cognito:groups") or ())
    username = claims.get("cognito:username") or claims.get("username") or claims.get("sub")
    return Caller(
        mode="AMAZON_COGNITO_USER_POOLS",
        groups=groups,
        expires=float(claims["exp"]),
        identity={
            "sub": claims.get("sub"),
            "issuer": issuer,
            "username": username,
            "claims": claims,
            "sourceIp": [source_ip],
            "defaultAuthStrategy": config.get("defaultAction", "ALLOW"),
            "groups": sorted(groups) or None,
        },
    )


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, body, signature = token.split(".")
        header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError("not objects")
        return header, claims, _decoded(signature), f"{head}.{body}".encode()
    except ValueError:
        raise _refused("Unable to parse JWT token.") from None


def _provider(providers: list[Mapping[str, Any]], pool: str) -> Mapping[str, Any] | None:
    for each in providers:
        config: Mapping[str, Any] = each.get("userPoolConfig") or {}
        if pool and config.get("userPoolId") == pool:
            return config
    return None


def _verify(pool: str, header: Mapping[str, Any], signature: bytes, signed: bytes) -> None:
    from ministack.services import cognito

    if header.get("alg") != "RS256":
        raise _refused("Unable to parse JWT token.")
    _, _, body = cognito.well_known_jwks(pool)
    for key in json.loads(body)["keys"]:
        if key["kid"] == header.get("kid"):
            numbers = rsa.RSAPublicNumbers(e=_number(key["e"]), n=_number(key["n"]))
            try:
                numbers.public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())
            except InvalidSignature:
                break
            return
    raise _refused("Unable to verify the signature of the JWT token.")


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decoded(text), "big")


def _refused(message: str) -> RequestError:
    return RequestError(401, "UnauthorizedException", message)
