"""Settings of the documents stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stacks.settings_model import Capability, unit


class DocumentsSettings(Capability):
    """The buckets for documents and prepared documents."""

    retain_data: Annotated[
        bool,
        Field(
            default=True,
            description="Keep the buckets when the stack is deleted, and protect the stack from "
            "deletion. When off, deleting the stack deletes the buckets, provided they are empty: "
            "CloudFormation never deletes objects.",
        ),
    ]
    access_logs: Annotated[
        bool,
        Field(
            default=False,
            description="Keep S3 server access logs of both buckets in a third bucket "
            "(free of charge apart from their storage).",
        ),
    ]
    access_log_retention_days: Annotated[
        int,
        Field(
            default=90,
            ge=1,
            le=3653,
            description="How long access logs are kept.",
            json_schema_extra=unit("days"),
        ),
    ]
    noncurrent_version_days: Annotated[
        int,
        Field(
            default=30,
            ge=1,
            le=3653,
            description="How long overwritten and deleted versions of objects are kept.",
            json_schema_extra=unit("days"),
        ),
    ]
    customer_key: Annotated[
        bool,
        Field(
            default=False,
            description="Encrypt with a KMS key of your own (1 USD a month and request charges, "
            "softened by S3 bucket keys) instead of S3-managed keys (free).",
        ),
    ]
