"""IMDSv2 as the worker and botocore ask it, over a real socket."""

from __future__ import annotations

import asyncio
import json

from local.fleet.metadata_service import Answer, MetadataService

TOKEN_TTL = "x-aws-ec2-metadata-token-ttl-seconds"
TOKEN = "x-aws-ec2-metadata-token"


def service() -> MetadataService:
    return MetadataService(role="worker-role", items={"instance-id": "i-1"}.get)


def token(of: MetadataService, seconds: str = "60") -> str:
    return of.answer("PUT", "/latest/api/token", {TOKEN_TTL: seconds}).body


def get(of: MetadataService, path: str, secret: str) -> Answer:
    return of.answer("GET", f"/latest/meta-data/{path}", {TOKEN: secret})


def test_nothing_is_said_without_a_token() -> None:
    assert get(service(), "instance-id", "").status == 401
    assert get(service(), "instance-id", "guessed").status == 401


def test_a_token_opens_the_items() -> None:
    imds = service()
    answer = get(imds, "instance-id", token(imds))
    assert (answer.status, answer.body) == (200, "i-1")
    assert get(imds, "spot/instance-action", token(imds)).status == 404


def test_tokens_need_a_sensible_time_to_live() -> None:
    for seconds in ("", "0", "21601", "x"):
        answer = service().answer("PUT", "/latest/api/token", {TOKEN_TTL: seconds})
        assert answer.status == 400
    assert service().answer("GET", "/latest/api/token", {TOKEN_TTL: "60"}).status == 405


def test_a_forwarded_request_gets_no_token() -> None:
    headers = {TOKEN_TTL: "60", "x-forwarded-for": "192.0.2.1"}
    assert service().answer("PUT", "/latest/api/token", headers).status == 403


def test_the_role_has_credentials_with_an_expiry_that_stay_the_same() -> None:
    imds = service()
    secret = token(imds)
    assert get(imds, "iam/security-credentials/", secret).body == "worker-role"
    first = json.loads(get(imds, "iam/security-credentials/worker-role", secret).body)
    assert first["Code"] == "Success"
    assert first["Expiration"].endswith("Z")
    assert first == json.loads(get(imds, "iam/security-credentials/worker-role", secret).body)


def test_over_the_wire_a_connection_is_kept_and_closed_with_the_instance() -> None:
    async def talk() -> tuple[list[bytes], bytes]:
        imds = service()
        endpoint = await imds.start()
        host, port = endpoint.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        heads = []
        for _ in range(2):
            request = f"PUT /latest/api/token HTTP/1.1\r\nhost: x\r\n{TOKEN_TTL}: 60\r\n\r\n"
            writer.write(request.encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            heads.append(head)
        imds.stop()
        rest = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        return heads, rest

    heads, rest = asyncio.run(talk())
    assert all(head.startswith(b"HTTP/1.1 200 OK") for head in heads)
    assert rest == b""
