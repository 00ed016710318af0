"""`python -m local.demo [--documents N] [--time-scale X]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from local.demo import deployment, fleet, functions, knowledge, offline
from local.demo.report import Report
from local.session import LocalAws, readable_errors

DOCUMENTS = 20_000
TIME_SCALE = 60.0


def main(arguments: list[str]) -> int:
    """All chapters; 0 when everything was as promised."""
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="how many (20,000)")
    parser.add_argument(
        "--time-scale",
        type=float,
        default=TIME_SCALE,
        help="AWS seconds in one second, for metrics and scaling decisions (60)",
    )
    chosen = parser.parse_args(arguments)
    report = Report()
    with readable_errors(), tempfile.TemporaryDirectory(prefix="groundwork-demo-") as folder:
        report.chapter("The embedded AWS")
        with LocalAws(state=Path(folder) / "state", time_scale=chosen.time_scale) as aws:
            report.say(
                f"up at {aws.endpoint}; for metrics and scaling, time runs "
                f"{chosen.time_scale:g} times as fast"
            )
            try:
                deployment.deploy(aws, report)
                fleet.play(aws, report, documents=chosen.documents)
                functions.play(aws, report)
                offline.play(aws, report)
                knowledge.play(aws, report, uploaded=fleet.named_documents(chosen.documents))
                deployment.destroy(aws, report)
            except fleet.DemoError as error:
                sys.exit(f"error: {error}")
        report.say("the embedded AWS is down, with everything it started")
    report.summary()
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
