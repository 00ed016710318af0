"""The public parameters that name Amazon's machine images."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from local.session import LocalAws

pytestmark = pytest.mark.xdist_group("local-aws")


def test_the_parameters_that_name_amazon_linux_are_there(aws: LocalAws) -> None:
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    found = aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert found.startswith("ami-")
    with pytest.raises(ClientError):
        aws.client("ssm").put_parameter(Name=f"{name}-mine", Value="x", Type="String")
