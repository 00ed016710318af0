"""The public SSM parameters that name Amazon Linux images; an account has them from birth.

https://docs.aws.amazon.com/linux/al2023/ug/ec2.html#launch-via-aws-cli . The values are made up:
nothing boots from an image here, an instance is a process tree.
"""

from __future__ import annotations

import json

PREFIX = "/aws/service/ami-amazon-linux-latest/"
KERNELS = ("kernel-default", "kernel-6.1", "kernel-6.12")
IMAGES = {"arm64": "ami-0a1b2c3d4e5f60001", "x86_64": "ami-0a1b2c3d4e5f60002"}


def register() -> None:
    """Put the parameters, past the guard that keeps users off names that begin with /aws/."""
    from ministack.services import ssm

    guard = ssm._reserved_name_error
    ssm._reserved_name_error = lambda _name: None
    try:
        for architecture, image in IMAGES.items():
            for family in ("al2023-ami", "al2023-ami-minimal"):
                for kernel in KERNELS:
                    name = f"{PREFIX}{family}-{kernel}-{architecture}"
                    status, _, body = ssm._put_parameter(
                        {"Name": name, "Value": image, "Type": "String"}
                    )
                    if status >= 300:
                        raise RuntimeError(f"cannot seed {name}: {json.loads(body)}")
    finally:
        ssm._reserved_name_error = guard
