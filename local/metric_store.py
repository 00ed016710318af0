"""Write to the local CloudWatch as a service of AWS does: with any time, without a request."""

from __future__ import annotations

from collections.abc import Mapping


def put_metric(
    *,
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    value: float,
    unit: str,
    at: float,
) -> None:
    """Store one data point. `at` is AWS time, which may run ahead of the wall clock."""
    from ministack.services import cloudwatch

    cloudwatch._store_datum(namespace, name, dict(dimensions), at, unit, value, None, None, None)
