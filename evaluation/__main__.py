"""Evaluate retrieval, answers and cache on questions with known answers; keep the thresholds.

    python -m evaluation --recorded                what is committed, as CI does; needs no AWS
    python -m evaluation --endpoint local          the local AWS (or its URL)
    python -m evaluation --stack Groundwork-dev    an account, by your credentials
    python -m evaluation --endpoint local --ingest --cache --techniques all --record
                                                   fill the knowledge base, ask, and record anew
    python -m evaluation --variants all --record   stores and chunkings, each deployed to a local
                                                   AWS of its own (evaluation/variants.py)

Exit status: 0 when every threshold is kept, 1 when one is missed, 2 when something could not be
measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation import REPOSITORY
from evaluation.asking import TECHNIQUES, record
from evaluation.deployment import DeploymentError, KnowledgeBase, stacks
from evaluation.fingerprint import differences, fingerprint
from evaluation.gate import THRESHOLDS, ThresholdsError, failures, thresholds
from evaluation.golden.documents import golden_documents, texts
from evaluation.golden.golden_set import golden_set
from evaluation.recorded_files import FOLDER, RecordedFiles
from evaluation.recording import Recording, RecordingError
from evaluation.report import table, write
from evaluation.scores import rows
from evaluation.variants import VARIANTS, chosen_variants, deployed

OUT = REPOSITORY / ".cache" / "evaluation"
FEW = 60
WAIT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked of one deployment."""

    endpoint: str | None
    ingest: bool
    techniques: Sequence[str]
    questions: int
    cache: bool


def main(arguments: list[str]) -> int:
    """The command line."""
    chosen = _parser().parse_args(arguments)
    try:
        wanted = thresholds(chosen.thresholds)
        kept = RecordedFiles(chosen.folder, golden_set(), texts())
        measured = kept.all() if chosen.recorded else list(_measured(chosen, kept))
    except (DeploymentError, RecordingError, ThresholdsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found = list(rows(measured, golden_set(), texts()))
    failed = list(failures(found, wanted, complete=chosen.recorded))
    warnings = list(differences(measured, fingerprint()))
    print(table(found))
    results, plot = write(found, failed, warnings, chosen.out)
    print(f"\n{results}\n{plot}")
    for each in warnings:
        print(f"warning: {each}", file=sys.stderr)
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
    add("--variants", help=f"`all`, or some of {','.join(VARIANTS)}")
    add("--ingest", action="store_true", help="put the golden documents into the bucket first")
    add(
        "--wait",
        type=float,
        default=WAIT_SECONDS,
        help="seconds that ingestion may take, and settling (1800)",
    )
    add("--techniques", default="rag", help=f"`all`, `none`, or some of {','.join(TECHNIQUES)}")
    add("--questions", type=int, default=1000, help="at most so many of each kind (all)")
    add("--others", type=int, default=FEW, help=f"the same for what is beside the default ({FEW})")
    add("--cache", action="store_true", help="ask pairs of questions to measure the cache")
    add("--at-once", type=int, default=2, help="requests at the same time (2)")
    add("--record", action="store_true", help="keep what came back, for --recorded")
    add("--folder", type=Path, default=FOLDER, help="where recordings are")
    add("--thresholds", type=Path, default=THRESHOLDS, help="the file of thresholds")
    add("--out", type=Path, default=OUT, help="folder for results.json and results.png")
    return parser


def _measured(chosen: argparse.Namespace, kept: RecordedFiles) -> Iterator[Recording]:
    """Ask one deployment, or each variant in turn. Raises DeploymentError."""
    if chosen.variants:
        yield from _compared(chosen, kept)
        return
    wish = Wish(
        endpoint=endpoint_of(chosen.endpoint),
        ingest=chosen.ingest,
        techniques=_techniques(chosen.techniques),
        questions=chosen.questions,
        cache=chosen.cache,
    )
    yield _kept(_asked(wish, chosen), chosen, kept)


def _compared(chosen: argparse.Namespace, kept: RecordedFiles) -> Iterator[Recording]:
    """Each variant; one that fails is named in the end, and the others are measured."""
    names = chosen_variants(chosen.variants)
    broken = []
    for number, name in enumerate(names, start=1):
        variant, began = VARIANTS[name], time.monotonic()
        _say(f"{name}, {number} of {len(names)}: a local AWS of its own is deployed")
        try:
            with deployed(variant) as endpoint:
                wish = Wish(
                    endpoint=endpoint,
                    ingest=True,
                    techniques=variant.techniques,
                    questions=chosen.questions if variant.every_question else chosen.others,
                    cache=variant.cache,
                )
                yield _kept(_asked(wish, chosen), chosen, kept)
        except DeploymentError as error:
            broken.append(name)
            _say(f"{name}: {error}")
        else:
            _say(f"{name}: measured in {time.monotonic() - began:.0f} s")
    if broken:
        again = f"--variants {','.join(broken)}"
        raise DeploymentError(f"not measured: {', '.join(broken)}; see above, then again: {again}")


def _asked(wish: Wish, chosen: argparse.Namespace) -> Recording:
    """Ask one deployment. Raises DeploymentError."""
    found = stacks(prefix=chosen.stack, endpoint=wish.endpoint)
    if wish.ingest:
        documents = list(golden_documents())
        seconds = KnowledgeBase(found).ingest(documents, wait_seconds=chosen.wait)
        _say(f"{len(documents)} documents ingested in {seconds:.0f} s")
    golden = golden_set()
    return record(
        found,
        searched=golden.part(chosen.questions),
        asked=golden.part(wish.questions),
        others=golden.part(min(chosen.others, wish.questions)),
        techniques=wish.techniques,
        cache=wish.cache,
        wait_seconds=chosen.wait,
        at_once=chosen.at_once,
    )


def _kept(recording: Recording, chosen: argparse.Namespace, kept: RecordedFiles) -> Recording:
    """The recording; as it is in its file, when it is to be kept."""
    if not chosen.record:
        return recording
    path = kept.keep(recording)
    _say(f"recorded: {path}")
    return kept.read(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


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
