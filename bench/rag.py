"""Vector search: recall against exact search and latency over HNSW's parameters.

    python -m bench.rag                         10,000 short real chunks
    python -m bench.rag --sizes 10000,100000    both; `python -m bench.rag_vectors 100000` first
    python -m bench.rag --deployed --sizes ""   ingestion, answers with and without the cache, and
                                                hybrid search on a local AWS of its own; with
                                                `local` or a URL behind it, on one that is up

The engine is faiss, as in OpenSearch's index (method hnsw, engine faiss, space l2), on one thread.
300 texts that are not in the index are looked for. The index default is to reach a recall@10 of
0.98; exit status 1 when it does not. A plot goes to bench/out.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench import rag_deployed, rag_plot
from bench.assembly import REPOSITORY
from bench.rag_vectors import VectorsMissingError, make, vectors
from evaluation.deployment import DeploymentError
from stacks.vector_index import DEFAULT_HNSW

LEAST_RECALL = 0.98
NEIGHBOURS = 10
BUILDS = ((8, 64), (16, 64), (16, 128), (16, 512), (32, 128))
EFFORTS = (10, 32, 64, 128, 256, 512)
MADE_AT_ONCE = 10_000
"""As many vectors are made by the benchmark itself; more take their time and are asked for."""
OUT = REPOSITORY / "bench" / "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One search effort on one graph."""

    size: int
    m: int
    ef_construction: int
    ef_search: int
    build_seconds: float
    recall: float
    p50_ms: float
    p95_ms: float

    @property
    def default(self) -> bool:
        """Whether it is what the stacks deploy."""
        chosen = (self.m, self.ef_construction, self.ef_search)
        return chosen == (
            DEFAULT_HNSW.m,
            DEFAULT_HNSW.ef_construction,
            DEFAULT_HNSW.ef_search,
        )


def sweep(
    base: Any, queries: Any, *, builds: Sequence[tuple[int, int]], efforts: Sequence[int]
) -> Iterator[Point]:
    """Every effort on every graph, beside exact search."""
    import faiss

    faiss.omp_set_num_threads(1)
    exact: Any = faiss.IndexFlatL2(base.shape[1])
    exact.add(base)
    nearest = exact.search(queries, NEIGHBOURS)[1]
    for m, ef_construction in builds:
        index: Any = faiss.IndexHNSWFlat(base.shape[1], m)
        index.hnsw.efConstruction = ef_construction
        began = time.process_time()
        index.add(base)
        seconds = time.process_time() - began
        for effort in efforts:
            index.hnsw.efSearch = effort
            found, times = _searched(index, queries)
            yield Point(
                size=len(base),
                m=m,
                ef_construction=ef_construction,
                ef_search=effort,
                build_seconds=seconds,
                recall=_recall(found, nearest),
                p50_ms=float(np.percentile(times, 50)),
                p95_ms=float(np.percentile(times, 95)),
            )


def _searched(index: Any, queries: Any) -> tuple[list[Any], list[float]]:
    """One query at a time, as they come in; milliseconds of each."""
    found, times = [], []
    for query in queries:
        began = time.perf_counter()
        found.append(index.search(query[None, :], NEIGHBOURS)[1][0])
        times.append((time.perf_counter() - began) * 1000)
    return found, times


def _recall(found: Sequence[Any], nearest: Any) -> float:
    shared = [len(set(one) & set(other)) for one, other in zip(found, nearest, strict=True)]
    return float(sum(shared) / nearest.size)


def exact_times(base: Any, queries: Any) -> tuple[float, float]:
    """p50 and p95 milliseconds of exact search."""
    import faiss

    exact: Any = faiss.IndexFlatL2(base.shape[1])
    exact.add(base)
    _, times = _searched(exact, queries)
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))


def main(arguments: list[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.rag",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sizes", default="10000", help="vectors, with commas (10000)")
    parser.add_argument(
        "--deployed",
        metavar="ENDPOINT",
        nargs="?",
        const=rag_deployed.OWN,
        help="measure a deployment: a local AWS of its own, `local` for the one that is up, a URL",
    )
    chosen = parser.parse_args(arguments)
    points: list[Point] = []
    try:
        for size in map(int, filter(None, chosen.sizes.split(","))):
            if size <= MADE_AT_ONCE:
                make(size)
            base, queries = vectors(size)
            points += _measured(base, queries)
        if points:
            _keep(points)
        if chosen.deployed:
            rag_deployed.report(chosen.deployed)
    except (VectorsMissingError, DeploymentError) as error:
        print(error, file=sys.stderr)
        return 1
    low = [point for point in points if point.default and point.recall < LEAST_RECALL]
    for point in low:
        print(
            f"recall@10 of the default is {point.recall:.3f} at {point.size:,} vectors, less than "
            f"{LEAST_RECALL}; raise ef_search in stacks/vector_index.py",
            file=sys.stderr,
        )
    return 1 if low else 0


def _measured(base: Any, queries: Any) -> list[Point]:
    p50, p95 = exact_times(base, queries)
    print(f"\n{len(base):,} vectors of {base.shape[1]} numbers; exact: {p50:.2f} / {p95:.2f} ms")
    print(
        f"{'m':>4}{'build':>7}{'s CPU':>8}{'search':>8}{'recall@10':>11}{'p50 ms':>9}{'p95 ms':>9}"
    )
    points = []
    for point in sweep(base, queries, builds=BUILDS, efforts=EFFORTS):
        points.append(point)
        print(
            f"{point.m:>4}{point.ef_construction:>7}{point.build_seconds:>8.1f}"
            f"{point.ef_search:>8}{point.recall:>11.4f}{point.p50_ms:>9.3f}{point.p95_ms:>9.3f}"
            f"{'  <- default' if point.default else ''}",
            flush=True,
        )
    return points


def _keep(points: Sequence[Point]) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "rag.json").write_text(json.dumps([asdict(point) for point in points], indent=1))
    rag_plot.draw(points, OUT / "rag.png", least=LEAST_RECALL)
    print(f"\n{OUT / 'rag.png'}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
