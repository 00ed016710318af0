"""A base sync of 30,000 rows, and what the delta costs beside it."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from local.session import LocalAws
from tests.appsync.clients import Api

pytestmark = pytest.mark.xdist_group("appsync")
ROWS = 30_000
AT_ONCE = 25
IDS = [f"row-{number:05}" for number in range(ROWS)]


@pytest.fixture
def filled(aws: LocalAws, outputs: dict[str, str]) -> Iterator[None]:
    """The rows in the base table, as if they had been written long ago; gone afterwards.

    Plain requests on one connection: the SDK's way of making 2,400 of them takes longer than all
    that is tested.
    """
    address, region = urlsplit(aws.endpoint), aws.record().region
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    headers = {
        "x-amz-target": "DynamoDB_20120810.BatchWriteItem",
        "content-type": "application/x-amz-json-1.0",
        "authorization": f"AWS4-HMAC-SHA256 Credential=x/day/{region}/dynamodb/aws4_request",
    }

    def write(requests: list[dict[str, Any]]) -> None:
        for start in range(0, len(requests), AT_ONCE):
            items = {outputs["AskedTable"]: requests[start : start + AT_ONCE]}
            connection.request("POST", "/", json.dumps({"RequestItems": items}), headers)
            answer = connection.getresponse()
            assert json.loads(answer.read()) == {"UnprocessedItems": {}}, answer.status

    more = {"owner": {"S": "somebody"}, "_version": {"N": "1"}, "_lastChangedAt": {"N": "1"}}
    write(
        [
            {"PutRequest": {"Item": {"id": {"S": each}, "jersey": {"N": str(number)}, **more}}}
            for number, each in enumerate(IDS)
        ]
    )
    yield
    write([{"DeleteRequest": {"Key": {"id": {"S": each}}}} for each in IDS])
    connection.close()


@pytest.mark.usefixtures("filled")
def test_thirty_thousand_rows_come_in_thirty_pages(api: Api) -> None:
    found: set[str] = set()
    pages = 0
    token: Any = None
    began = time.monotonic()
    started = None
    while pages == 0 or token:
        page = api.sync("Asked", limit=1000, nextToken=token)
        started = started or page["startedAt"]
        assert page["startedAt"] == started
        found |= {each["id"] for each in page["items"]}
        token = page["nextToken"]
        pages += 1
        assert pages < 40
    base = time.monotonic() - began
    assert set(IDS) <= found
    assert pages >= 30

    api.update("Asked", id=IDS[0], name="changed", _version=1)
    began = time.monotonic()
    page = api.sync("Asked", limit=1000, lastSync=started)
    delta = time.monotonic() - began
    assert [each["id"] for each in page["items"]] == [IDS[0]]
    print(f"base sync {base:.1f} s in {pages} pages, delta sync {delta * 1000:.0f} ms")
