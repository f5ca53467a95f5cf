"""How fast is the engine beside sentence-transformers, on the same encoder with one thread each?

    python -m bench.engine [--models var/models] [--texts 512] [--json]

Both embed the same generated sentences of 5 to 30 words. ``batch 1`` is the latency of one text
after another, ``batch 32`` the throughput of calls of 32 texts. Rounds alternate, so that what
else the machine does hits both. The engine's cache is off.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.encoders import resolve_encoder
from ml.runtime import RuntimeSettings
from ml.serving.engine import LocalEngine
from ml.serving.registry import ModelStore

ROUNDS = 3
BATCH = 32
WORDS = (
    "account transfer card payment cash pending refund exchange rate limit identity top fee charge "
    "statement market shares profit quarter forecast raised company board merger dividend energy "
    "reader novel history island voyage letter winter garden music the a of to in for and was is "
    "my not on with by at from this that has been after before about new first last"
)
Embed = Callable[[Sequence[str]], Any]


def sentences(number: int, seed: int = 11) -> list[str]:
    """Generated sentences of 5 to 30 words."""
    rng = np.random.default_rng(seed)
    words = WORDS.split()
    return [" ".join(rng.choice(words, rng.integers(5, 31))) for _ in range(number)]


def latencies(embed: Embed, texts: Sequence[str]) -> list[float]:
    """Milliseconds of each text on its own."""
    found = []
    for text in texts:
        start = time.perf_counter()
        embed([text])
        found.append((time.perf_counter() - start) * 1000)
    return found


def throughput(embed: Embed, texts: Sequence[str]) -> float:
    """Texts a second in calls of ``BATCH`` texts."""
    start = time.perf_counter()
    for first in range(0, len(texts), BATCH):
        embed(texts[first : first + BATCH])
    return len(texts) / (time.perf_counter() - start)


def sentence_transformer(name: str) -> Embed:
    """The peer: the original weights, in float32, on one thread."""
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)
    model = SentenceTransformer(str(resolve_encoder(name).path), device="cpu")

    def embed(texts: Sequence[str]) -> Any:
        return model.encode(
            list(texts), batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
        )

    return embed


def measure(embed: dict[str, Embed], texts: Sequence[str]) -> dict[str, dict[str, float]]:
    """Percentiles at batch 1 and the median throughput at batch 32, for each contender."""
    single: dict[str, list[float]] = {name: [] for name in embed}
    batched: dict[str, list[float]] = {name: [] for name in embed}
    for function in embed.values():
        function(texts[:BATCH])
    for _ in range(ROUNDS):
        for name, function in embed.items():
            single[name] += latencies(function, texts[: len(texts) // 4])
            batched[name].append(throughput(function, texts))
    return {
        name: {
            **{f"batch1_p{q}_ms": float(np.percentile(single[name], q)) for q in (50, 95, 99)},
            "batch32_texts_per_second": float(np.median(batched[name])),
        }
        for name in embed
    }


def run(models: Path, number: int) -> dict[str, Any]:
    """Measure both; returns the figures and the engine's advantage as ratios."""
    settings = RuntimeSettings(intra_op_threads=1, workers=1)
    store = ModelStore(models, runtime=settings)
    artifact = store.artifact("encoder")
    engine = LocalEngine(store, settings=settings, cache_size=0)
    contenders: dict[str, Embed] = {
        "engine": lambda texts: engine.predict("encoder", texts),
        "sentence_transformers": sentence_transformer(artifact.encoder.name),
    }
    figures = measure(contenders, sentences(number))
    engine.close()
    ours, peer = figures["engine"], figures["sentence_transformers"]
    return {
        "bench": "engine",
        "texts": number,
        "precision": artifact.build.precision if artifact.build else "none",
        **figures,
        "speedup_batch1": peer["batch1_p50_ms"] / ours["batch1_p50_ms"],
        "speedup_batch32": ours["batch32_texts_per_second"] / peer["batch32_texts_per_second"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, default=Path("var/models"))
    parser.add_argument("--texts", type=int, default=512)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    result = run(arguments.models, arguments.texts)
    print(f"{'one thread each':24}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'texts/s':>10}")
    for name in ("engine", "sentence_transformers"):
        row = result[name]
        print(
            f"{name:24}{row['batch1_p50_ms']:9.2f}{row['batch1_p95_ms']:9.2f}"
            f"{row['batch1_p99_ms']:9.2f}{row['batch32_texts_per_second']:10.0f}"
        )
    print(
        f"the engine ({result['precision']}) is {result['speedup_batch1']:.2f} times as fast at "
        f"batch 1 and {result['speedup_batch32']:.2f} times at batch 32"
    )
    if arguments.json:
        print(json.dumps(result))


if __name__ == "__main__":
    main()
