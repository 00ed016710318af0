"""Chapter: the first request of a new version with and without pings, and a job from end to end.

The local AWS starts a fresh process for every new copy of a function and keeps it, so cold and warm
are real. It has no copies in advance and no snapshots: provisioned concurrency and SnapStart are
records here (docs/fidelity.md), and what they buy is in docs/cold-starts.md.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from local.demo.deployment import bucket_names, context, stack_name
from local.demo.report import Report
from local.jobs_client import JobsApi, wait_for
from local.session import LocalAws

REQUESTS = 20
JOB_DOCUMENTS = 100
LONGEST_SECONDS = 120.0
PINGED = "keep_warm"
# Another memory size makes another version, which nobody has called yet.
STRATEGIES = (("none", 256), (PINGED, 384))


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What one strategy showed; times in milliseconds."""

    strategy: str
    first_is_cold: bool
    initialisation: float
    first: float
    later: float


def play(aws: LocalAws, report: Report) -> None:
    """The chapter."""
    report.chapter("Functions: cold and warm, by strategy")
    rows = [_try(aws, report, strategy, memory) for strategy, memory in STRATEGIES]
    print(
        f"\n        {'strategy':<12}{'first request':>15}{'of it start':>13}{'later (median)':>16}"
    )
    for row in rows:
        kind = "cold" if row.first_is_cold else "warm"
        print(
            f"        {row.strategy:<12}{row.first:>7.1f} ms {kind}{row.initialisation:>10.1f} ms"
            f"{row.later:>13.1f} ms"
        )
    print(flush=True)
    without, pinged = rows
    report.check(without.first_is_cold, "without pings the first request of a version is cold")
    report.check(not pinged.first_is_cold, "with pings it is warm")
    report.figure("first request of a function, cold", f"{without.first:.0f} ms")
    report.figure("first request of a function, kept warm", f"{pinged.first:.0f} ms")
    _job(aws, report)


def _try(aws: LocalAws, report: Report, strategy: str, memory: int) -> _Row:
    settings = (f"jobs.cold_starts={strategy}", f"jobs.memory_mb={memory}")
    aws.cdk("deploy", stack_name("Functions"), "--exclusively", *context(*settings))
    report.say(f"deployed a new version with {', '.join(settings)}")
    jobs = JobsApi(aws)
    if strategy == PINGED:
        wait_for(lambda: jobs.lines("warm ping", version=jobs.version), timeout=LONGEST_SECONDS)
        report.say("the rule has fired and warmed the copies that it keeps")
        time.sleep(1.0)  # a copy that holds a ping takes no request
    spans = []
    for _ in range(REQUESTS):
        begun = time.perf_counter()
        jobs.call("GET", "/jobs/none")
        spans.append((time.perf_counter() - begun) * 1000)
    first = jobs.lines("invocation", version=jobs.version)[0]
    return _Row(
        strategy=strategy,
        first_is_cold=bool(first["ColdStart"]),
        initialisation=float(first.get("InitDuration", 0.0)),
        first=spans[0],
        later=statistics.median(spans[1:]),
    )


def _job(aws: LocalAws, report: Report) -> None:
    bucket = bucket_names(aws)["documents"]
    listed = aws.client("s3").list_objects_v2(Bucket=bucket, MaxKeys=JOB_DOCUMENTS)
    keys = [each["Key"] for each in listed["Contents"]]
    jobs = JobsApi(aws)
    begun = time.monotonic()
    content = {"documents": [{"key": key} for key in keys]}
    answer = jobs.call("POST", "/jobs", content, Idempotency_Key="demo")
    again = jobs.call("POST", "/jobs", content, Idempotency_Key="demo")
    report.say(f"POST /jobs with {len(keys)} documents: {answer.status} {answer.content}")
    same = answer.content["job"] == again.content["job"]
    report.check(same, "the same request with the same Idempotency-Key is the same job")
    path = f"/jobs/{answer.content['job']}"
    finished = wait_for(
        lambda: (found := jobs.call("GET", path).content)["status"] == "finished" and found,
        timeout=LONGEST_SECONDS,
    )
    report.say(f"GET {path}: {finished}")
    report.check(finished["done"] == len(keys), "the API shows every document of the job done")
    report.figure(
        f"a job of {len(keys)} documents over the API, fleet from zero",
        f"{time.monotonic() - begun:.1f} s",
    )
