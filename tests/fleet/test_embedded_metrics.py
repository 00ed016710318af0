from __future__ import annotations

import json

import pytest

from local.fleet.embedded_metrics import Datum, embedded_metrics

LINE = {
    "_aws": {
        "Timestamp": 1_700_000_000_500,
        "CloudWatchMetrics": [
            {
                "Namespace": "Groundwork/Fleet",
                "Dimensions": [["AutoScalingGroupName"], []],
                "Metrics": [{"Name": "DrainTimedOut", "Unit": "Count"}, {"Name": "Absent"}],
            }
        ],
    },
    "AutoScalingGroupName": "workers",
    "DrainTimedOut": [1, 0],
}


def test_every_value_counts_in_every_set_of_dimensions() -> None:
    found = list(embedded_metrics(json.dumps(LINE)))
    assert [(each.value, dict(each.dimensions)) for each in found] == [
        (1, {"AutoScalingGroupName": "workers"}),
        (0, {"AutoScalingGroupName": "workers"}),
        (1, {}),
        (0, {}),
    ]
    assert found[0] == Datum(
        namespace="Groundwork/Fleet",
        name="DrainTimedOut",
        dimensions={"AutoScalingGroupName": "workers"},
        value=1,
        unit="Count",
        at=1_700_000_000.5,
    )


@pytest.mark.parametrize(
    "line",
    ["text", '{"_aws": 1}', '{"_aws": {"Timestamp": 1}}', '"_aws"', '{"_aws": {', "[]"],
)
def test_other_lines_are_log_lines_only(line: str) -> None:
    assert list(embedded_metrics(line)) == []
