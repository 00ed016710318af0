"""The password by which an IAM role connects to ElastiCache: a signed request that is never sent.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
"""

from __future__ import annotations

import time
from hashlib import sha256
from hmac import digest
from urllib.parse import quote, urlencode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge.credentials import Credentials

GOOD_FOR_SECONDS = 900


def token_of(
    *, cache: str, user: str, region: str, credentials: Credentials, serverless: bool, now: float
) -> str:
    """A token for a new connection; it is good for 15 minutes, a connection for 12 hours."""
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    scope = f"{date[:8]}/{region}/elasticache/aws4_request"
    query = {
        "Action": "connect",
        "User": user,
        **({"ResourceType": "ServerlessCache"} if serverless else {}),
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": date,
        "X-Amz-Expires": str(GOOD_FOR_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.token:
        query["X-Amz-Security-Token"] = credentials.token
    text = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    empty = sha256(b"").hexdigest()
    request = f"GET\n/\n{text}\nhost:{cache}\n\nhost\n{empty}"
    to_sign = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    key = f"AWS4{credentials.secret_key}".encode()
    for part in scope.split("/"):
        key = digest(key, part.encode(), "sha256")
    signature = digest(key, to_sign.encode(), "sha256").hex()
    return f"{cache}/?{text}&X-Amz-Signature={signature}"
