"""The quick form of the loss matrix: one test per row, with real processes and real signals."""

from __future__ import annotations

import pytest

from bench.loss import Row, rows, run_row


@pytest.mark.parametrize("row", rows(quick=True), ids=lambda row: row.name.replace(" ", "-"))
def test_nothing_is_lost_and_nothing_runs_twice_without_need(row: Row) -> None:
    result = run_row(row)
    assert result.problems == ()
    assert result.lost == 0
