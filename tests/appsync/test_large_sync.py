"""A base sync of 30,000 rows, and what the delta costs beside it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from local.session import LocalAws
from tests.appsync.clients import Api

pytestmark = pytest.mark.xdist_group("appsync")
ROWS = 30_000


@pytest.mark.slow
def test_thirty_thousand_rows_come_in_thirty_pages(
    api: Api, aws: LocalAws, outputs: dict[str, str]
) -> None:
    table = outputs["AskedTable"]
    dynamodb = aws.client("dynamodb")
    now = str(int(time.time() * 1000))
    for start in range(0, ROWS, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": {
                        "id": {"S": f"row-{number:05}"},
                        "name": {"S": f"name {number}"},
                        "jersey": {"N": str(number)},
                        "owner": {"S": "somebody"},
                        "_version": {"N": "1"},
                        "_lastChangedAt": {"N": now},
                    }
                }
            }
            for number in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})

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
    wanted = {f"row-{number:05}" for number in range(ROWS)}
    assert wanted <= found
    assert pages >= 30

    api.update("Asked", id="row-00000", name="changed", _version=1)
    began = time.monotonic()
    page = api.sync("Asked", limit=1000, lastSync=started)
    delta = time.monotonic() - began
    assert [each["id"] for each in page["items"]] == ["row-00000"]
    print(f"base sync {base:.1f} s in {pages} pages, delta sync {delta * 1000:.0f} ms")
    for start in range(0, ROWS, 25):
        deletes = [
            {"DeleteRequest": {"Key": {"id": {"S": f"row-{number:05}"}}}}
            for number in range(start, start + 25)
        ]
        dynamodb.batch_write_item(RequestItems={table: deletes})
