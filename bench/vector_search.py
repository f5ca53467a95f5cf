"""How fast, and how well, are the nearest of a million vectors found?

    python -m bench.vector_search [--vectors 1000000] [--dimensions 384] [--queries 500] [--json]

Made-up unit vectors in as many subjects as their square root, as texts are (nearer to others of
their subject, yet each its own), are put into the index that the product uses
(:class:`ml.retrieval.dense.VectorIndex`: exact while few, a graph when many). Queries are new ones
of the same subjects. Recall is against the exact search by multiplication. Processor time is given
beside the clock's: the former does not depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np

from bench.measures import percentiles, show
from ml.retrieval.dense import VectorIndex
from ml.types import FloatArray

K = 50
_BLOCK = 20_000
_WITHIN = 0.9
"""How far a vector lies from its subject's centre, which is of unit length."""


def run(vectors: int = 1_000_000, dimensions: int = 384, queries: int = 500) -> dict[str, Any]:
    rng = np.random.default_rng(7)
    centres = _units(rng.normal(size=(round(vectors**0.5), dimensions)))
    index = VectorIndex(dimensions)
    asked = _near(centres, queries, rng)
    best = np.full((queries, K), -1.0, dtype=np.float32)
    names = np.full((queries, K), -1, dtype=np.int64)
    clock, processor = time.perf_counter(), time.process_time()
    for start in range(0, vectors, _BLOCK):
        number = min(_BLOCK, vectors - start)
        block = _near(centres, number, rng)
        best, names = _merged(best, names, asked @ block.T, start)
        index.put([str(start + row) for row in range(number)], block)
    built = time.perf_counter() - clock, time.process_time() - processor
    waits, worked, found = [], [], 0
    for query, exact in zip(asked, names, strict=True):
        clock, processor = time.perf_counter(), time.process_time()
        matches = index.search(query, K)
        waits.append(time.perf_counter() - clock)
        worked.append(time.process_time() - processor)
        found += len({int(name) for name, _ in matches} & set(exact.tolist()))
    return {
        "bench": "vector_search",
        **{"vectors": vectors, "dimensions": dimensions, "queries": queries},
        "exact": index.exact,
        f"recall@{K}": round(found / (K * queries), 4),
        "clock": percentiles(waits),
        "processor": percentiles(worked),
        "build_seconds": round(built[0]),
        "build_processor_seconds": round(built[1]),
        "most_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _near(centres: FloatArray, number: int, rng: np.random.Generator) -> FloatArray:
    subjects = rng.integers(len(centres), size=number)
    spread = rng.normal(size=(number, centres.shape[1])) * _WITHIN / centres.shape[1] ** 0.5
    return _units(centres[subjects] + spread)


def _units(values: Any) -> FloatArray:
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), dtype=np.float32)


def _merged(best: FloatArray, names: Any, scores: FloatArray, start: int) -> tuple[FloatArray, Any]:
    """The first :data:`K` of what is known and of ``scores`` of the vectors from ``start`` on."""
    own = np.broadcast_to(np.arange(start, start + scores.shape[1]), scores.shape)
    both, of = np.hstack([best, scores]), np.hstack([names, own])
    top = np.argpartition(-both, K - 1, axis=1)[:, :K]
    return np.take_along_axis(both, top, axis=1), np.take_along_axis(of, top, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--dimensions", type=int, default=384)
    parser.add_argument("--queries", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    result = run(arguments.vectors, arguments.dimensions, arguments.queries)
    show(result, as_json=arguments.json)


if __name__ == "__main__":
    main()
