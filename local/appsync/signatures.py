"""Requests that are signed with AWS credentials, verified.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
The keys are the engine's: its own, those of IAM users, of assumed roles and of identity pools.
Whether their policies allow the call is not evaluated, as nowhere in the engine.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.appsync.callers import Caller
from local.appsync.errors import RequestError
from local.cdk import ACCESS_KEY, SECRET_KEY

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_SECONDS = 300
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your "
    "AWS Secret Access Key and signing method. Consult the service documentation for details."
)


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """What was signed."""

    method: str
    path: str
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes


def signer_of(request: SignedRequest, *, account: str, now: float, source_ip: str) -> Caller:
    """The principal that signed. Raises RequestError."""
    from ministack.core import sigv4

    parsed = sigv4.parse_header_signature(dict(request.headers))
    if isinstance(parsed, tuple):
        raise RequestError(400, "IncompleteSignatureException", parsed[1])
    if parsed.service != "appsync":
        scope = f"Credential should be scoped to correct service: 'appsync', not {parsed.service}."
        raise RequestError(403, "InvalidSignatureException", scope)
    principal = _principal(parsed.access_key_id, account, request.headers)
    _, to_sign = sigv4.header_signing_documents(
        parsed, request.method, request.path, request.query, request.headers, request.body
    )
    expected = sigv4.calculate_signature(
        principal["secret"], parsed.date_stamp, parsed.region, parsed.service, to_sign
    )
    if not hmac.compare_digest(expected, parsed.signature):
        raise RequestError(400, "BadRequestException", MISMATCH)
    _check_age(parsed.amz_date, now)
    return Caller(
        mode="AWS_IAM",
        identity={
            "accountId": account,
            "sourceIp": [source_ip],
            "username": principal["username"],
            "userArn": principal["arn"],
            **_pool_identity(parsed.access_key_id),
        },
    )


def _pool_identity(access_key: str) -> dict[str, Any]:
    """What is known of credentials that an identity pool gave out; nulls for all others."""
    from ministack.services import sts

    session = sts._sessions.get(access_key) or {}
    return {
        "cognitoIdentityPoolId": session.get("_identity_pool_id") or None,
        "cognitoIdentityId": session.get("_identity_id") or None,
        "cognitoIdentityAuthType": session.get("_cognito_auth_type"),
        "cognitoIdentityAuthProvider": session.get("_cognito_auth_provider"),
    }


def _principal(access_key: str, account: str, headers: Mapping[str, str]) -> dict[str, str]:
    if access_key == ACCESS_KEY:
        root = f"arn:aws:iam::{account}:root"
        return {"secret": SECRET_KEY, "arn": root, "username": account}
    from ministack.core import iam_evaluator

    found = iam_evaluator.resolve_credential(
        access_key, account, headers.get("x-amz-security-token")
    )
    if not isinstance(found, iam_evaluator.ResolvedCredential) or found.principal_type == "Root":
        message = getattr(
            found, "message", "The security token included in the request is invalid."
        )
        raise RequestError(403, "UnrecognizedClientException", message)
    return {
        "secret": found.secret_access_key,
        "arn": found.principal_arn,
        "username": found.principal_id or access_key,
    }


def _check_age(amz_date: str, now: float) -> None:
    try:
        signed = datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise RequestError(400, "IncompleteSignatureException", "X-Amz-Date is not valid") from None
    if abs(now - signed) > SKEW_SECONDS:
        raise RequestError(
            403, "InvalidSignatureException", f"Signature expired or not yet current: {amz_date}"
        )
