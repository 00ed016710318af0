"""What MiniStack drops from AWS::DynamoDB::Table: time to live, point-in-time recovery, its key.

Time to live is real afterwards: MiniStack deletes what has expired, within a minute instead of the
few days that AWS allows itself
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
"""

from __future__ import annotations

import json
from typing import Any

from local.types.handlers import Properties, extend, true


def register() -> None:
    """Apply what the stock handlers leave out, after they have run."""
    extend("AWS::DynamoDB::Table", applied=_apply)


def _apply(table: str, old: Properties, new: Properties) -> None:
    from ministack.services import dynamodb

    lived = old.get("TimeToLiveSpecification") or {}
    wanted = new.get("TimeToLiveSpecification") or {**lived, "Enabled": False}
    if "AttributeName" in wanted:
        _ask(
            dynamodb._update_ttl,
            TableName=table,
            TimeToLiveSpecification={**wanted, "Enabled": true(wanted.get("Enabled"))},
        )
    recovery = new.get("PointInTimeRecoverySpecification")
    if recovery or "PointInTimeRecoverySpecification" in old:
        enabled = true((recovery or {}).get("PointInTimeRecoveryEnabled"))
        _ask(
            dynamodb._update_continuous_backups,
            TableName=table,
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled},
        )
    encryption = new.get("SSESpecification") or {}
    dynamodb._tables[table]["SSEDescription"] = (
        {
            "Status": "ENABLED",
            "SSEType": encryption.get("SSEType", "KMS"),
            "KMSMasterKeyArn": encryption.get("KMSMasterKeyId", ""),
        }
        if true(encryption.get("SSEEnabled"))
        else None
    )


def _ask(function: Any, **request: Any) -> None:
    status, _, body = function(request)
    if status >= 300:
        raise ValueError(json.loads(body).get("message", "refused"))
