"""What can go wrong with a call of AWS, and when trying again helps.

The retries are the standard mode of AWS's SDKs:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
The sets of codes are botocore's; a test compares them with the installed botocore.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

THROTTLING_CODES = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)
TRANSIENT_CODES = frozenset(
    {"RequestTimeout", "RequestTimeoutException", "PriorRequestNotComplete"}
)
TRANSIENT_STATUS = frozenset({500, 502, 503, 504})
CLOCK_CODES = frozenset(
    {
        "RequestTimeTooSkewed",
        "RequestExpired",
        "RequestInTheFuture",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "AuthFailure",
    }
)
EXPIRED_CODES = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "UnrecognizedClientException",
        "InvalidToken",
    }
)
LONGEST_DELAY_SECONDS = 20.0
QUOTA = 500
COST = 5
COST_AFTER_TIMEOUT = 10


class AwsError(Exception):
    """A call that failed for good, retries included.

    `code` is the service's error code, or a name of our own when no answer came (`Timeout`,
    `ConnectionError`). `status` is the HTTP status, 0 without an answer. `retryable` says whether
    later may be better. `fields` is what else the service said: DynamoDB's `Item`, for one.
    """

    def __init__(
        self,
        code: str,
        status: int,
        message: str,
        retryable: bool,
        fields: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(f"{code} ({status}): {message}" if status else f"{code}: {message}")
        self.code = code
        self.status = status
        self.message = message
        self.retryable = retryable
        self.fields = fields or {}


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> AwsError:
    """Read an error answer of a JSON service.

    The code stands in `__type` behind a `#`, or in the header x-amzn-errortype before a `:`.
    https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html#operation-error-serialization
    """
    try:
        fields = json.loads(body) if body else {}
    except ValueError:
        fields = {}
    if not isinstance(fields, dict):
        fields = {}
    code = str(
        fields.get("__type") or fields.get("code") or headers.get("x-amzn-errortype") or status
    )
    code = code.split(":", 1)[0].rsplit("#", 1)[-1]
    message = str(fields.get("message") or fields.get("Message") or "")
    retryable = code in THROTTLING_CODES or code in TRANSIENT_CODES or status in TRANSIENT_STATUS
    return AwsError(code, status, message, retryable, fields)


def delay_before_retry(attempt: int) -> float:
    """Seconds to wait after the failed `attempt` (1 for the first): full jitter, doubling.

    The operating system's randomness, since copies restored from one snapshot would share a
    generator's state.
    """
    share = int.from_bytes(os.urandom(4), "big") / 2**32
    return share * min(2.0 ** (attempt - 1), LONGEST_DELAY_SECONDS)


class RetryQuota:
    """A budget that stops a function from multiplying an outage: the SDKs' token bucket."""

    def __init__(self) -> None:
        self._left = QUOTA

    def take(self, *, after_timeout: bool) -> int:
        """What was taken for a retry; 0 when the budget is used up."""
        cost = COST_AFTER_TIMEOUT if after_timeout else COST
        if cost > self._left:
            return 0
        self._left -= cost
        return cost

    def give_back(self, amount: int) -> None:
        """A call succeeded: return what its retries took, or one."""
        self._left = min(QUOTA, self._left + (amount or 1))
