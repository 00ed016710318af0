"""The table: prices times counts, and the mistakes that its user can make."""

from __future__ import annotations

from pathlib import Path

import pytest

from costs import cold_starts
from costs.cold_starts import Function, Row, Strategy, evaluate, strategies
from costs.copies import Pings, Provisioned
from costs.prices import price
from costs.traffic import DAY, TraceError, Traffic, generate, read

FUNCTION = Function(
    memory_gb=0.5,
    architecture="arm64",
    init=0.4,
    restore=0.2,
    idle_lifetime=600,
    longest_lifetime=1e9,
)
MONTH = 730 * 3600


def row(strategy: Strategy, arrivals: list[float], *, days: float = 1) -> Row:
    traffic = Traffic(arrivals=arrivals, durations=[1.0] * len(arrivals), days=days)
    return evaluate(strategy, traffic, FUNCTION)


def test_on_demand_is_requests_and_seconds_initialisation_included() -> None:
    found = row(Strategy(name="none"), [0.0, 100.0, 5000.0])
    scale = MONTH / DAY
    assert found.cold_share == pytest.approx(2 / 3) and found.cold_per_day == 2
    assert found.requests == pytest.approx(3 * 2e-7 * scale)
    assert found.duration == pytest.approx((3 * 1.0 + 2 * 0.4) * 0.5 * 1.33334e-5 * scale)
    assert found.standby == 0 and found.total == found.requests + found.duration


def test_one_provisioned_copy_for_a_month() -> None:
    found = row(Strategy(name="p", provisioned=Provisioned(least=1, most=1)), [0.0])
    assert found.standby == pytest.approx(0.5 * MONTH * 3.3334e-6)
    assert found.duration == pytest.approx(0.5 * 1.0 * 7.7778e-6 * MONTH / DAY)
    assert found.cold_share == 0


def test_snapstart_is_a_cached_snapshot_and_restores() -> None:
    found = row(Strategy(name="snapstart"), [0.0, 5000.0])
    assert found.waits == 0.2
    restores = 2 * MONTH / DAY * 0.5 * price("lambda.snapstart.restore")
    assert found.standby == pytest.approx(0.5 * MONTH * 1.5046e-6 + restores)
    assert found.duration == pytest.approx(2 * 1.0 * 0.5 * 1.33334e-5 * MONTH / DAY)


def test_pings_cost_requests_and_the_time_they_hold() -> None:
    found = row(Strategy(name="k", pings=Pings(copies=2, every=300, hold=0.1)), [1000.0])
    pings = 2 * 288
    assert found.requests == pytest.approx((pings + 1) * 2e-7 * MONTH / DAY)
    seconds = pings * 0.1 + 1.0 + 2 * 0.4
    assert found.duration == pytest.approx(seconds * 0.5 * 1.33334e-5 * MONTH / DAY)


def test_the_table_orders_the_strategies_as_they_should_be() -> None:
    traffic = generate("bursty", per_day=2000, duration=0.08, days=3, seed=7)
    compared = strategies(copies=5, every=300, provisioned=5, most=20)
    rows = {s.name: evaluate(s, traffic, FUNCTION) for s in compared}
    none, five = rows["none"], rows["keep_warm, 5 every 5 min"]
    ready = rows["provisioned, 5"]
    assert five.cold_share < rows["keep_warm, 1 every 5 min"].cold_share < none.cold_share
    assert ready.cold_share < none.cold_share
    assert none.total < five.total < rows["snapstart"].total < ready.total
    assert rows["provisioned, 1; 5 on weekdays 8-20"].total < ready.total


def test_a_generated_day_has_the_requests_that_were_asked_for() -> None:
    for pattern in ("steady", "diurnal", "bursty"):
        traffic = generate(pattern, per_day=3000, duration=0.1, days=7, seed=3)
        assert len(traffic.arrivals) / 7 == pytest.approx(3000, rel=0.15)
        assert traffic.arrivals == sorted(traffic.arrivals)
        assert sum(traffic.durations) / len(traffic.durations) == pytest.approx(0.1, rel=0.05)
    assert generate("steady", per_day=0, duration=1, days=1, seed=1).arrivals == []


def test_the_same_seed_gives_the_same_trace() -> None:
    one, other = (generate("bursty", per_day=500, duration=1, days=2, seed=5) for _ in range(2))
    assert one == other != generate("bursty", per_day=500, duration=1, days=2, seed=6)


def test_a_trace_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "trace").write_text("# seconds, ms\n90000,250\n\n10\n")
    traffic = read(tmp_path / "trace", duration=0.5)
    assert (traffic.arrivals, traffic.durations, traffic.days) == ([10.0, 90000.0], [0.5, 0.25], 2)


@pytest.mark.parametrize("text", ["one\n", "-1\n", "5,x\n", "nan\n", "inf\n", "5,-2\n"])
def test_a_line_that_is_no_request_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "trace").write_text("1\n" + text)
    with pytest.raises(TraceError, match=r"line 2: .*write seconds or seconds,milliseconds"):
        read(tmp_path / "trace", duration=1)


def test_an_empty_or_missing_trace_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").write_text("# nothing\n")
    for name in ("empty", "missing"):
        assert cold_starts.main(["--trace", str(tmp_path / name)]) == 2
        assert name in capsys.readouterr().err


def test_the_program_prints_a_line_per_strategy(capsys: pytest.CaptureFixture[str]) -> None:
    assert cold_starts.main(["--per-day", "200", "--days", "1", "--copies", "2"]) == 0
    out = capsys.readouterr().out
    assert "(assumed)" in out and "2026" in out
    for name in ("none", "keep_warm, 2 every 5 min", "provisioned, 5", "snapstart"):
        assert name in out


@pytest.mark.parametrize("option", [["--memory-mb", "64"], ["--per-day", "-1"], ["--days", "0"]])
def test_a_number_out_of_range_is_refused(
    option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        cold_starts.main(option)
    assert "choose" in capsys.readouterr().err
