"""The packaged function on the embedded AWS: its Lambda, its alias, its HTTP API."""

from __future__ import annotations

import io
import json
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from edge.keep_warm import ping
from tests.lambdas.copies import LAMBDA_SRC
from tests.lambdas.local_aws import REGION, LocalAws

pytestmark = pytest.mark.xdist_group("lambdas_local_aws")
COPIES = 3


class Deployed:
    """The function behind the alias `live` and an HTTP API."""

    def __init__(self, local: LocalAws) -> None:
        self._local = local
        self.lambda_ = self._client("lambda")
        self.lambda_.create_function(
            FunctionName="jobs",
            Runtime="python3.13",
            Role="arn:aws:iam::000000000000:role/jobs",
            Handler="jobs.handler.handler",
            Code={"ZipFile": package("jobs", "edge")},
            Timeout=30,
            MemorySize=512,
            Environment={
                "Variables": {"JOBS_TABLE": local.make_table(), "QUEUE_URL": local.make_queue()}
            },
        )
        version = self.lambda_.publish_version(FunctionName="jobs")["Version"]
        alias = self.lambda_.create_alias(
            FunctionName="jobs", Name="live", FunctionVersion=version
        )["AliasArn"]
        api = self._client("apigatewayv2")
        made = api.create_api(Name="jobs", ProtocolType="HTTP")["ApiId"]
        integration = api.create_integration(
            ApiId=made,
            IntegrationType="AWS_PROXY",
            PayloadFormatVersion="2.0",
            IntegrationUri=alias,
        )["IntegrationId"]
        for route in ("POST /jobs", "GET /jobs/{id}"):
            api.create_route(ApiId=made, RouteKey=route, Target=f"integrations/{integration}")
        api.create_stage(ApiId=made, StageName="$default", AutoDeploy=True)
        self._host = f"{made}.execute-api.localhost"

    def ping_together(self, count: int) -> list[dict[str, Any]]:
        """What parallel pings of the alias are answered."""
        answers: list[dict[str, Any]] = []

        def one(number: int) -> None:
            payload = json.dumps(ping(number=number, of=count, hold_ms=2000)).encode()
            answer = self.lambda_.invoke(FunctionName="jobs", Qualifier="live", Payload=payload)
            answers.append(json.loads(answer["Payload"].read())["groundwork"]["warm"])

        threads = [threading.Thread(target=one, args=(n + 1,)) for n in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        return answers

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """A request of the HTTP API."""
        request = urllib.request.Request(
            self._local.url + path,
            data=json.dumps(body).encode() if body is not None else None,
            method=method,
            headers={"Host": self._host, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            content: dict[str, Any] = json.load(response)
        return content

    def log(self) -> list[dict[str, Any]]:
        """The function's own lines."""
        events = self._client("logs").filter_log_events(logGroupName="/aws/lambda/jobs")["events"]
        return [json.loads(e["message"]) for e in events if e["message"].startswith("{")]

    def _client(self, service: str) -> Any:
        return botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self._local.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=60),
        )


def package(*folders: str) -> bytes:
    """A zip as Lambda unpacks it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for folder in folders:
            for path in sorted((LAMBDA_SRC / folder).rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    archive.write(path, path.relative_to(LAMBDA_SRC))
    return buffer.getvalue()


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAws) -> Iterator[Deployed]:
    yield Deployed(local_aws)


def test_pings_of_the_alias_hold_distinct_copies_and_the_next_request_is_warm(
    deployed: Deployed,
) -> None:
    answers = deployed.ping_together(COPIES)
    copies = {answer["copy"] for answer in answers}
    assert len(copies) == COPIES and all(answer["cold"] for answer in answers)
    job = deployed.request("POST", "/jobs", {"documents": [{"key": "a.pdf"}]})
    assert job["queued"] == 1
    assert deployed.request("GET", f"/jobs/{job['job']}")["status"] == "running"
    lines = deployed.log()
    pings = [line for line in lines if line["event"] == "warm ping"]
    requests = [line for line in lines if line["event"] == "invocation"]
    assert {line["copy"] for line in pings} == copies
    assert {line["qualifier"] for line in pings} == {"live"}
    assert [line["ColdStart"] for line in requests] == [0, 0]
    assert {line["copy"] for line in requests} <= copies
