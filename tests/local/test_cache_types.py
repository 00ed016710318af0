"""Caches of ElastiCache and their users."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local.session import LocalAws
from local.stores import valkey_servers
from tests.local.small_stack import Stack, get

pytestmark = pytest.mark.xdist_group("local-aws")

ACCESS = "on ~answer:* -@all +@read +@write +@connection +@transaction -@dangerous"
CACHES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "serverless": (
        "Endpoint",
        {
            "Type": "AWS::ElastiCache::ServerlessCache",
            "Properties": {
                "ServerlessCacheName": "answers",
                "Engine": "valkey",
                "UserGroupId": {"Ref": "Users"},
            },
        },
    ),
    "nodes": (
        "PrimaryEndPoint",
        {
            "Type": "AWS::ElastiCache::ReplicationGroup",
            "Properties": {
                "ReplicationGroupDescription": "answers",
                "Engine": "valkey",
                "EngineVersion": "8.2",
                "CacheNodeType": "cache.t4g.small",
                "NumCacheClusters": 1,
                "UserGroupIds": [{"Ref": "Users"}],
                "TransitEncryptionEnabled": True,
                "TransitEncryptionMode": "required",
            },
        },
    ),
}


@pytest.mark.parametrize("kind", list(CACHES))
def test_a_cache_answers_over_tls_to_its_users_alone(
    stack: Stack,
    aws: LocalAws,
    kind: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from valkey import exceptions

    from chat.cache_on_valkey import ValkeyCache, client_of

    attribute, cache = CACHES[kind]
    user = {
        "UserId": f"chat-{kind}",
        "UserName": f"chat-{kind}",
        "Engine": "valkey",
        "AccessString": ACCESS,
        "AuthenticationMode": {"Type": "iam"},
    }
    group = {"UserGroupId": f"users-{kind}", "Engine": "valkey", "UserIds": [{"Ref": "User"}]}
    parts = [get("Cache", f"{attribute}.Address"), get("Cache", f"{attribute}.Port")]
    made = stack.deploy(
        {
            "User": {"Type": "AWS::ElastiCache::User", "Properties": user},
            "Users": {"Type": "AWS::ElastiCache::UserGroup", "Properties": group},
            "Cache": cache,
            "Endpoint": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Type": "String", "Value": {"Fn::Join": [":", parts]}},
            },
        }
    )
    address = aws.client("ssm").get_parameter(Name=made["Endpoint"])["Parameter"]["Value"]
    host, port = address.split(":")
    trusted = tmp_path / "trusted.pem"
    trusted.write_text(ssl.get_server_certificate((host, int(port))))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))

    def client(name: str) -> Any:
        return client_of(f"rediss://{address}", timeout_seconds=5, token=lambda: (name, "token"))

    with client(f"chat-{kind}") as chat:
        with pytest.raises(exceptions.NoPermissionError):
            chat.set("elsewhere", "no")
        with pytest.raises(exceptions.NoPermissionError):
            chat.flushall()
        cached = ValkeyCache(lambda: chat, dimension=3, timeout_seconds=2)
        if valkey_servers.search_module() is not None:
            assert cached.near("s", [1.0, 0.0, 0.0]) == []  # makes the index
        cached.put("s", "k", [1.0, 0.0, 0.0], "yes", seconds=60)
        assert cached.exact("s", "k") == "yes"
        if valkey_servers.search_module() is not None:
            ((similarity, entry),) = cached.near("s", [1.0, 1.0, 0.0])
            assert entry == "yes"
            assert similarity == pytest.approx(0.5**0.5, abs=1e-5)
    with client("default") as nobody, pytest.raises(exceptions.AuthenticationError):
        nobody.ping()
