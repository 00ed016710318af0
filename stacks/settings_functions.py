"""Settings of the functions stack: what functions share, the HTTP API, and one block per function.

A new function is a folder below lambda_src and a line in FUNCTIONS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from stacks.settings_function import AnsweringFunctionSettings, FunctionSettings
from stacks.settings_model import Capability, LogRetentionDays, unit


class SharedFunctionSettings(Capability):
    """What all functions have in common."""

    log_retention_days: Annotated[
        LogRetentionDays,
        Field(
            default=14,
            description="How long the logs of functions and the API's access log are kept.",
            json_schema_extra=unit("days, a value that CloudWatch Logs accepts"),
        ),
    ]
    bytecode: Annotated[
        bool,
        Field(
            default=False,
            description="Ship bytecode, so that a cold start does not compile the package: about "
            "10 ms of processor time for `jobs`. Synth has to run on Python 3.13 then.",
        ),
    ]
    power_tuning: Annotated[
        bool,
        Field(
            default=False,
            description="Add a stack with AWS Lambda Power Tuning, which measures how memory "
            "settings change cost and duration. It is somebody else's application, installed from "
            "the Serverless Application Repository; remove it after use.",
        ),
    ]


class ApiSettings(Capability):
    """The HTTP API in front of functions."""

    authorization: Annotated[
        Literal["iam", "jwt"],
        Field(
            default="iam",
            description="Who may call. iam: principals that are allowed execute-api:Invoke, with "
            "signed requests. jwt: bearers of a token of jwt_issuer.",
        ),
    ]
    jwt_issuer: Annotated[
        str,
        Field(
            default="",
            pattern=r"^$|^https://[^\s/]+(/\S*)?$",
            description="jwt: issuer of the tokens, such as a Cognito user pool's URL.",
            json_schema_extra=unit("https URL"),
        ),
    ]
    jwt_audience: Annotated[
        tuple[str, ...],
        Field(
            default=(),
            description="jwt: audiences (client ids), one of which a token has to name.",
            json_schema_extra=unit("list"),
        ),
    ]
    throttle_requests_per_second: Annotated[
        int,
        Field(
            default=50,
            ge=1,
            le=10_000,
            description="Requests per second above which the API answers 429, over all callers.",
            json_schema_extra=unit("requests per second"),
        ),
    ]
    throttle_burst: Annotated[
        int,
        Field(
            default=100,
            ge=1,
            le=5_000,
            description="Requests at once that are let through nevertheless.",
            json_schema_extra=unit("requests"),
        ),
    ]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        given = bool(self.jwt_issuer), bool(self.jwt_audience)
        if self.authorization == "jwt" and not all(given):
            raise ValueError(
                "authorization is jwt, but jwt_issuer or jwt_audience is empty: set both, or "
                "authorization to iam"
            )
        if self.authorization == "iam" and any(given):
            raise ValueError(
                "jwt_issuer or jwt_audience is set, but authorization is iam, so no token would "
                "be looked at: set authorization to jwt, or remove them"
            )
        return self


class JobsSettings(AnsweringFunctionSettings):
    """The function `jobs`: submit documents to the fleet, see how far they are."""

    keep_days: Annotated[
        int,
        Field(
            default=14,
            ge=1,
            le=90,
            description="How long a job can be asked for.",
            json_schema_extra=unit("days"),
        ),
    ]


# Every function of the functions stack, by its folder below lambda_src.
FUNCTIONS: Mapping[str, type[FunctionSettings]] = {
    "jobs": JobsSettings,
}
