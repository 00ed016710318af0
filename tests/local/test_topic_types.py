"""Topics keep what their template says."""

from __future__ import annotations

import pytest

from local.session import LocalAws
from tests.local.small_stack import Stack

pytestmark = pytest.mark.xdist_group("local-aws")


def test_a_topic_keeps_its_key(aws: LocalAws, stack: Stack) -> None:
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/key"}}
    stack.deploy({"Topic": topic})
    found = aws.client("sns").get_topic_attributes(TopicArn=stack.id_of("Topic"))["Attributes"]
    assert found["KmsMasterKeyId"] == "alias/key"
