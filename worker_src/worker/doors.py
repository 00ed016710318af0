"""Opens the doors to AWS: the fast path where it can serve, botocore elsewhere, and says which."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from worker.aws import S3
from worker.aws_config import AwsConfig
from worker.botocore_path import BotocoreS3, BotocoreSqs
from worker.json_api import JsonApi, parse_json_error
from worker.s3 import FastS3, parse_s3_error
from worker.signed_http import SignedHttp
from worker.sqs import FastSqs, Sqs


class AwsDoor:
    """What a job gets as `aws`, and where the worker's own clients come from."""

    def __init__(self, config: AwsConfig, *, logger: logging.Logger) -> None:
        self._config = config
        self._logger = logger

    def client(self, service: str) -> Any:
        """A botocore client, made once per process."""
        return self._config.client(service)

    @cached_property
    def s3(self) -> S3:
        """S3 for jobs."""
        slow = BotocoreS3(lambda: self._config.client("s3"))
        reason = self._s3_obstacle()
        endpoint = self._config.endpoint("s3") if reason is None else None
        if endpoint is not None:
            reason = self._config.obstacle(endpoint)
        if endpoint is None or reason is not None:
            self._say("s3", reason)
            return slow
        style = self._config.s3_setting("addressing_style")
        http = SignedHttp(
            config=self._config,
            service="s3",
            endpoint=endpoint,
            parse_error=parse_s3_error,
            sign_body_header=True,
        )
        return FastS3(
            http,
            fallback=slow,
            path_style=style == "path" or (endpoint.custom and style != "virtual"),
            logger=self._logger,
        )

    def sqs(self, *, queue_url: str, visibility_timeout: int, wait_time: int) -> Sqs:
        """The worker's queue."""
        api = self.json_api("sqs", target_prefix="AmazonSQS")
        if api is None:
            return BotocoreSqs(
                self._config.client("sqs"),
                queue_url=queue_url,
                visibility_timeout=visibility_timeout,
                wait_time=wait_time,
            )
        return FastSqs(
            api, queue_url=queue_url, visibility_timeout=visibility_timeout, wait_time=wait_time
        )

    def json_api(self, service: str, *, target_prefix: str) -> JsonApi | None:
        """A service that speaks AWS JSON 1.0; None where the fast path cannot serve."""
        endpoint = self._config.endpoint(service)
        reason = self._config.obstacle(endpoint)
        if reason is not None:
            self._say(service, reason)
            return None
        http = SignedHttp(
            config=self._config, service=service, endpoint=endpoint, parse_error=parse_json_error
        )
        return JsonApi(http, target_prefix=target_prefix)

    def _s3_obstacle(self) -> str | None:
        if self._config.unusual_endpoint:
            return "FIPS or dual-stack endpoints are configured"
        if self._config.s3_setting("use_accelerate_endpoint"):
            return "transfer acceleration is configured"
        return None

    def _say(self, service: str, reason: str | None) -> None:
        self._logger.warning(
            "calls go through botocore, which costs about ten times the processor time",
            extra={"service": service, "reason": reason},
        )
