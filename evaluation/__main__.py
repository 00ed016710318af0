"""Evaluate retrieval, answers and cache on questions with known answers; keep the thresholds.

    python -m evaluation --recorded                what is committed, as CI does; needs no AWS
    python -m evaluation --endpoint local          the local AWS (or its URL)
    python -m evaluation --stack Groundwork-dev    an account, by your credentials
    python -m evaluation --endpoint local --ingest --techniques all --cache --record
                                                   fill the knowledge base, ask, and record anew

Exit status: 0 when every threshold is kept, 1 when one is missed, 2 when nothing could be measured.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation import REPOSITORY
from evaluation.asking import TECHNIQUES, record
from evaluation.deployment import DeploymentError, KnowledgeBase, stacks
from evaluation.gate import THRESHOLDS, ThresholdsError, failures, thresholds
from evaluation.golden.documents import golden_documents, texts
from evaluation.golden.golden_set import golden_set
from evaluation.recording import FOLDER, Recording, RecordingError, recordings
from evaluation.report import table, write
from evaluation.scores import rows

OUT = REPOSITORY / ".cache" / "evaluation"
FEW = 20
WAIT_SECONDS = 1800.0


def main(arguments: list[str]) -> int:
    """The command line."""
    chosen = _parser().parse_args(arguments)
    try:
        wanted = thresholds(chosen.thresholds)
        measured = recordings(chosen.folder) if chosen.recorded else [_asked(chosen)]
        if chosen.record:
            measured = [measured[0].over(chosen.folder)]
            print(f"recorded: {measured[0].save(chosen.folder)}")
    except (DeploymentError, RecordingError, ThresholdsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = list(rows(measured, golden_set(), texts()))
    failed = list(failures(found, wanted))
    print(table(found))
    results, plot = write(found, failed, chosen.out)
    print(f"\n{results}\n{plot}")
    for each in failed:
        print(f"FAILED: {each}", file=sys.stderr)
    if not failed:
        print("every threshold is kept")
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--recorded", action="store_true", help="score what is recorded; ask nobody")
    add("--endpoint", help="the local AWS: `local` for the one that is up, or its URL")
    add("--stack", default="Groundwork-dev", help="how the stacks' names begin (Groundwork-dev)")
    add("--ingest", action="store_true", help="put the golden documents into the bucket first")
    add("--wait", type=float, default=WAIT_SECONDS, help="seconds that ingestion may take (1800)")
    add("--techniques", default="rag", help=f"`all`, `none`, or some of {','.join(TECHNIQUES)}")
    add("--questions", type=int, default=1000, help="at most so many of each kind (all)")
    add("--others", type=int, default=FEW, help=f"the same for techniques but rag ({FEW})")
    add("--cache", action="store_true", help="ask pairs of questions to measure the cache")
    add("--at-once", type=int, default=2, help="requests at the same time (2)")
    add("--record", action="store_true", help="keep what came back, for --recorded")
    add("--folder", type=Path, default=FOLDER, help="where recordings are")
    add("--thresholds", type=Path, default=THRESHOLDS, help="the file of thresholds")
    add("--out", type=Path, default=OUT, help="folder for results.json and results.png")
    return parser


def _asked(chosen: argparse.Namespace) -> Recording:
    """Ask the deployment. Raises DeploymentError."""
    deployed = stacks(prefix=chosen.stack, endpoint=endpoint_of(chosen.endpoint))
    if chosen.ingest:
        documents = list(golden_documents())
        seconds = KnowledgeBase(deployed).ingest(documents, wait_seconds=chosen.wait)
        print(f"{len(documents)} documents ingested in {seconds:.0f} s")
    golden = golden_set()
    return record(
        deployed,
        golden.part(chosen.questions),
        others=golden.part(min(chosen.others, chosen.questions)),
        techniques=_techniques(chosen.techniques),
        cache=chosen.cache,
        at_once=chosen.at_once,
    )


def _techniques(named: str) -> Sequence[str]:
    if named in ("all", "none"):
        return TECHNIQUES if named == "all" else ()
    wanted = named.split(",")
    if unknown := set(wanted) - set(TECHNIQUES):
        raise DeploymentError(
            f"--techniques: {', '.join(sorted(unknown))} is none of {', '.join(TECHNIQUES)}"
        )
    return wanted


def endpoint_of(named: str | None) -> str | None:
    """The URL of the local AWS; None stays None, for an account. Raises DeploymentError."""
    if named != "local":
        return named
    from local.session import LocalAws, LocalAwsError

    try:
        return LocalAws().endpoint
    except LocalAwsError as error:
        raise DeploymentError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
