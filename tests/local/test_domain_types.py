"""Domains of OpenSearch Service."""

from __future__ import annotations

from typing import Any

import pytest

from local.session import LocalAws
from tests.local.small_stack import Resources, Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def domain(name: str, **encryption: Any) -> Resources:
    return {
        "Domain": {
            "Type": "AWS::OpenSearchService::Domain",
            "Properties": {
                "DomainName": name,
                "EncryptionAtRestOptions": {"Enabled": True, **encryption},
            },
        }
    }


def names(aws: LocalAws) -> list[str]:
    found = aws.client("opensearch").list_domain_names()["DomainNames"]
    return sorted(each["DomainName"] for each in found)


def test_another_key_wants_another_name(stack: Stack, aws: LocalAws) -> None:
    stack.deploy(domain("first-domain"))
    with pytest.raises(AssertionError, match="Rename first-domain and update the stack again"):
        stack.deploy(domain("first-domain", KmsKeyId="1a2a3a4a"))
    assert names(aws) == ["first-domain"]
    stack.deploy(domain("second-domain", KmsKeyId="1a2a3a4a"))
    assert names(aws) == ["second-domain"]
    assert stack.delete() == "DELETE_COMPLETE"
    assert names(aws) == []
