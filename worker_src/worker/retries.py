"""When a failed AWS call is tried again, and after how long: the standard mode of AWS's SDKs.

https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
The sets of codes are botocore's; a test compares them with the installed botocore.
"""

from __future__ import annotations

import random
import threading

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
LONGEST_DELAY_SECONDS = 20.0

# The local clock is wrong, or the request was too long on its way.
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


def is_retryable(code: str, status: int) -> bool:
    """Whether the same request may succeed later; with new credentials it may as well."""
    return (
        code in THROTTLING_CODES
        or code in TRANSIENT_CODES
        or code in EXPIRED_CODES
        or status in TRANSIENT_STATUS
    )


def delay_before_retry(attempt: int) -> float:
    """Seconds to wait after the failed `attempt` (1 for the first): full jitter, doubling."""
    return random.random() * min(2.0 ** (attempt - 1), LONGEST_DELAY_SECONDS)  # nosec B311


class RetryQuota:
    """A budget that stops a fleet from multiplying an outage by its retries.

    Each retry takes from the budget, each call that needed none puts one back: the token bucket of
    the SDKs' standard mode with its numbers.
    """

    CAPACITY = 500
    COST = 5
    COST_AFTER_TIMEOUT = 10

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left = self.CAPACITY

    def take(self, *, after_timeout: bool) -> int:
        """What was taken for a retry; 0 when the budget is used up."""
        cost = self.COST_AFTER_TIMEOUT if after_timeout else self.COST
        with self._lock:
            if cost > self._left:
                return 0
            self._left -= cost
            return cost

    def give_back(self, amount: int) -> None:
        """A call succeeded: return what its retries took, or one."""
        if self._left < self.CAPACITY:
            with self._lock:
                self._left = min(self.CAPACITY, self._left + (amount or 1))
