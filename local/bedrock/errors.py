"""Bedrock's errors, with the status codes of its API.

https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "AccessDeniedException": 403,
        "BadGatewayException": 502,
        "ConflictException": 409,
        "DependencyFailedException": 424,
        "InternalServerException": 500,
        "ModelErrorException": 424,
        "ModelNotReadyException": 429,
        "ModelTimeoutException": 408,
        "ResourceNotFoundException": 404,
        "ServiceQuotaExceededException": 400,
        "ServiceUnavailableException": 503,
        "ThrottlingException": 429,
        "ValidationException": 400,
    }
)


class BedrockError(Exception):
    """An error as the caller reads it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.kind]


def invalid(message: str) -> BedrockError:
    """A request that cannot be served as it is."""
    return BedrockError("ValidationException", message)


def missing(message: str) -> BedrockError:
    """Something that the request names does not exist."""
    return BedrockError("ResourceNotFoundException", message)
