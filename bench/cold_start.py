"""Cold starts of our functions and of the usual ways to write them, in Lambda's runtime client.

    python -m bench.cold_start             every variant, 12 fresh processes each
    python -m bench.cold_start --quick     four variants, at most a minute
    python -m bench.cold_start --all       langchain as well
    python -m bench.cold_start --python python3.13

Measured: processor time from the start of the process until it asks for its first invocation
(init), of the first invocation, of a warm one. The processes are interleaved, the first round is
discarded, and what counts is the minimum, because other load can only add. Not measured: making the
sandbox, fetching the package, Lambda's share of a processor. So ratios carry over, times do not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from bench.assembly import REPOSITORY
from bench.lambda_aws import AwsServer, bundle_with, trust
from bench.lambda_install import (
    CACHE,
    InstallError,
    Interpreter,
    certificates,
    compile_in,
    describe,
    install,
    others,
    package_bytes,
)
from bench.lambda_process import Cost, last_processor, measure
from bench.lambda_runtime_api import RuntimeApiError
from bench.lambda_variants import BASELINE, SLOW_PEER, Variant, event, variants, write
from bench.sqs_process import ServerError, make_certificate

ROUNDS, LONGEST_SECONDS = 12, 600.0
QUICK_ROUNDS, QUICK_SECONDS = 8, 40.0
FEWEST_ROUNDS = 3
MOST_OF_INIT = 0.3
MOST_OF_COLD = 0.35
MOST_PACKAGE_MB = 5.0
OUT = REPOSITORY / "bench" / "out" / "cold_start.json"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, say whether the figures are reached."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start")
    parser.add_argument("--quick", action="store_true", help="four variants, at most a minute")
    parser.add_argument("--all", action="store_true", help="langchain as well")
    parser.add_argument("--python", default=sys.executable, help="the interpreter to measure with")
    chosen = parser.parse_args(arguments)
    interpreter = describe(chosen.python)
    if interpreter is None:
        print(f"{chosen.python} is no Python that runs; name another with --python")
        return 2
    try:
        costs = run(
            interpreter,
            rounds=QUICK_ROUNDS if chosen.quick else ROUNDS,
            seconds=QUICK_SECONDS if chosen.quick else LONGEST_SECONDS,
            measured=variants(quick=chosen.quick, everything=chosen.all),
        )
    except (InstallError, ServerError, RuntimeApiError) as error:
        print(error, file=sys.stderr)
        return 1
    print_context(interpreter, rounds=len(next(iter(costs.values()))[1]))
    return report(costs)


def run(
    interpreter: Interpreter, *, rounds: int, seconds: float, measured: list[Variant]
) -> dict[str, tuple[float, list[Cost]]]:
    """Package size in MB and costs of each variant; fewer rounds when `seconds` are over."""
    slow = any(SLOW_PEER in variant.packages for variant in measured)
    python = install(interpreter, everything=slow)
    folders = {v.name: CACHE / "functions" / f"{i}" for i, v in enumerate(measured)}
    for variant in measured:
        write(variant, folders[variant.name])
        compile_in(python, folders[variant.name])
    sizes = {v.name: _megabytes(v, python, folders[v.name]) for v in measured}
    costs: dict[str, list[Cost]] = {variant.name: [] for variant in measured}
    with tempfile.TemporaryDirectory() as scratch:
        certificate = make_certificate(Path(scratch))
        bundle = bundle_with(certificate, certificates=certificates(python), folder=Path(scratch))
        with AwsServer(certificate) as server:
            environments = {
                v.name: _environment(
                    server.url, None if trust(certificate, folders[v.name]) else bundle
                )
                for v in measured
            }
            end = time.monotonic() + seconds
            for number in range(rounds + 1):
                if number > FEWEST_ROUNDS and time.monotonic() > end:
                    break
                for variant in random.sample(measured, len(measured)):
                    before = server.calls
                    cost = measure(
                        python=python,
                        handler=variant.handler,
                        folder=folders[variant.name],
                        environment=environments[variant.name],
                        event=event(),
                        processor=last_processor(),
                    )
                    if server.calls - before < variant.calls_per_invocation:
                        raise RuntimeApiError(f"{variant.name} did not call AWS")
                    if number:
                        costs[variant.name].append(cost)
    return {name: (sizes[name], found) for name, found in costs.items()}


def print_context(interpreter: Interpreter, *, rounds: int) -> None:
    """What has to be known to read the table."""
    build = "" if interpreter.optimized else ", built without profile-guided optimization"
    print(f"Python {interpreter.version}{build}; {rounds} fresh processes each, interleaved")
    also = others(interpreter)
    if also:
        print(f"also found: {', '.join(also)} (choose with --python)")
    print("processor milliseconds, minimum (median); memory and unzipped package in MB\n")


def report(costs: dict[str, tuple[float, list[Cost]]]) -> int:
    """Print the table and the verdict; 1 when a figure to reach is missed."""
    baseline = costs[BASELINE][1]
    base_init = min(cost.init for cost in baseline)
    base_cold = min(cost.cold for cost in baseline)
    print(
        f"{'':<48}{'init':>14}{'first call':>14}{'init + first':>14}{'warm':>7}"
        f"{'memory':>8}{'package':>9}{'init':>7}{'cold':>6}"
    )
    rows: dict[str, dict[str, float]] = {}
    for name, (size, found) in costs.items():
        init = min(cost.init for cost in found)
        cold = min(cost.cold for cost in found)
        rows[name] = {
            "init_ms": init,
            "first_ms": min(cost.first for cost in found),
            "cold_ms": cold,
            "warm_ms": min(cost.warm for cost in found),
            "memory_mb": statistics.median(cost.memory for cost in found),
            "package_mb": size,
            "init_ratio": init / base_init,
            "cold_ratio": cold / base_cold,
        }
        print(
            f"{name:<48}{_both([c.init for c in found]):>14}{_both([c.first for c in found]):>14}"
            f"{_both([c.cold for c in found]):>14}{rows[name]['warm_ms']:>7.2f}"
            f"{rows[name]['memory_mb']:>8.0f}{size:>9.2f}"
            f"{rows[name]['init_ratio']:>7.2f}{rows[name]['cold_ratio']:>6.2f}"
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1))
    return _verdict(rows)


def _verdict(rows: dict[str, dict[str, float]]) -> int:
    print()
    missed = 0
    for name, row in rows.items():
        if not name.startswith("ours"):
            continue
        for what, value, most in (
            ("init", row["init_ratio"], MOST_OF_INIT),
            ("init + first call", row["cold_ratio"], MOST_OF_COLD),
            ("package", row["package_mb"], MOST_PACKAGE_MB),
        ):
            unit = " MB" if what == "package" else f" of '{BASELINE}'"
            verdict = "reached" if value <= most else "MISSED"
            missed += value > most
            print(f"{name}: {what} {value:.2f}{unit}, to reach {most:g}: {verdict}")
    return int(missed > 0)


def _both(values: list[float]) -> str:
    return f"{min(values):.1f} ({statistics.median(values):.1f})"


def _megabytes(variant: Variant, python: Path, folder: Path) -> float:
    own = sum(
        path.stat().st_size
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    )
    return (own + package_bytes(python, variant.packages)) / 1_000_000


def _environment(url: str, bundle: Path | None) -> dict[str, str]:
    """What Lambda sets, and where our AWS is."""
    return {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_ENDPOINT_URL": url,
        **({"AWS_CA_BUNDLE": str(bundle)} if bundle else {}),
        "JOBS_TABLE": "jobs",
        "QUEUE_URL": "https://queue.invalid/1/jobs",
    }


if __name__ == "__main__":
    sys.exit(main())
