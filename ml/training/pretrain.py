"""From raw texts to an encoder that has read them: pre-training on what a field writes.

Gururangan et al. 2020, "Don't Stop Pretraining". The result is a folder that a recipe names as its
``encoder``; what it is good for shows when a task is tuned on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import TOKENIZER
from ml.data.dataset_folders import data_name
from ml.data.encoding import encode_texts, load_tokenizer
from ml.data.readers import read_texts
from ml.data.splits import split_by_text, text_key
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import DataError, TrainingError
from ml.export.merge import check_plain, write_encoder
from ml.models.denoising_autoencoder import DenoisingAutoEncoder
from ml.models.encoder import load_encoder, merged, tune
from ml.models.masked_language_model import MaskedLanguageModel
from ml.models.tuning.layers import token_positions
from ml.training.broken_texts import Collator, Deletion, Masking
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, EncodedRows
from ml.training.settings.pretraining import OBJECTIVES
from ml.training.tracking import RunRecord
from ml.training.trainer import ProgressCallback, seed_everything, train

_FEWEST = 20
_READ_BATCH = 64


@dataclass(frozen=True, slots=True)
class PretrainRequest:
    """What to read and how: ``texts_file`` as :func:`ml.data.readers.read_texts` takes it,
    ``valid_file`` likewise (a share of the texts without it), the recipe, and where the encoder and
    the run's checkpoints go."""

    objective: str
    texts_file: Path
    valid_file: Path | None
    output: Path
    run_folder: Path
    config: FinetuneConfig


@dataclass(frozen=True, slots=True)
class Pretrained:
    """The encoder that was made, and its measures: the objective's loss on held-out texts before
    and after, of masked language models the perplexity too."""

    source: EncoderSource
    metrics: dict[str, float]


def pretrain(request: PretrainRequest, progress: ProgressCallback | None = None) -> Pretrained:
    """Train an encoder on raw texts and write it as the folder ``request.output``.

    The same request resumes after a kill. Repeated texts are read once.

    Raises :class:`DataError` for an unusable file or fewer than twenty texts,
    :class:`TrainingError` for an encoder or method that does not fit the objective, or a loss that
    is no number.
    """
    if request.objective not in OBJECTIVES:
        raise TrainingError(
            f"no objective {request.objective!r}; there are {', '.join(OBJECTIVES)}"
        )
    files = {"train": request.texts_file, "valid": request.valid_file}
    given = {use: path for use, path in files.items() if path is not None}
    record = RunRecord(request.run_folder, f"pretrain-{request.objective}", request.config, given)
    try:
        made = _pretrain(request, record, progress)
    except BaseException as error:
        record.end(None, str(error) or type(error).__name__)
        raise
    record.end(made.metrics)
    return made


def _pretrain(
    request: PretrainRequest, record: RunRecord, progress: ProgressCallback | None
) -> Pretrained:
    config = request.config
    source = resolve_encoder(config.encoder)
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    texts, held_out = _texts(request)
    seed_everything(config.seed)
    plain = load_encoder(source)
    positions = token_positions(plain)
    if positions is not None and config.max_length > positions:
        raise TrainingError(f"max_length is {config.max_length}; {source.name} reads {positions}")
    encoder = tune(plain, config.method_settings())
    model: nn.Module
    broken: Callable[..., Collator]
    if request.objective == "mlm":
        model = MaskedLanguageModel(encoder, hidden_size=source.hidden_size)
        broken = partial(Masking.of, tokenizer, config.mask)
    else:
        model = DenoisingAutoEncoder(encoder, source)
        broken = partial(Deletion.of, tokenizer, config.deletion)
    measured = _encoded(held_out, tokenizer, config.max_length)
    before = _loss(model, measured, broken(_drawn(config.seed)))
    started = time.monotonic()
    train(
        model,
        _encoded(texts, tokenizer, config.max_length),
        config,
        run_folder=request.run_folder,
        progress=progress,
        collator=broken(),
        watch=record.phase("."),
    )
    after = _loss(model, measured, broken(_drawn(config.seed)))
    metrics = {"texts": float(len(texts)), "n": float(len(held_out))}
    metrics |= {"loss_before": before, "loss": after}
    if request.objective == "mlm":
        metrics |= {"perplexity_before": math.exp(min(before, 50)), "perplexity": math.exp(after)}
    metrics["minutes"] = round((time.monotonic() - started) / 60, 2)
    whole = merged(encoder, config.method_settings())
    card = _card(request, source, metrics)
    check_plain(whole, source, config.method)
    made = write_encoder(whole, source, request.output, card)
    return Pretrained(made, metrics)


def _texts(request: PretrainRequest) -> tuple[list[str], list[str]]:
    """The different texts to read, and those to measure by."""
    texts = _different(read_texts(request.texts_file))
    if request.valid_file is not None:
        held_out = _different(read_texts(request.valid_file))
        known = {text_key(text) for text in held_out}
        texts = [text for text in texts if text_key(text) not in known]
    else:
        texts, held_out = split_by_text(
            texts,
            held_out=request.config.held_out,
            seed=request.config.seed,
            key=text_key,
            stratum=lambda _: "",
        )
    if len(texts) < _FEWEST:
        raise DataError(request.texts_file, None, f"has {len(texts)} texts; {_FEWEST} are needed")
    if not held_out:
        raise DataError(request.valid_file or request.texts_file, None, "leaves no held-out texts")
    return texts, held_out


def _different(texts: Sequence[str]) -> list[str]:
    return list({text_key(text): text for text in texts if text.strip()}.values())


def _encoded(texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> list[EncodedRow]:
    rows = []
    for text in texts:
        batch = encode_texts(tokenizer, [text], max_length=max_length)
        rows.append(EncodedRow(batch.input_ids[0].tolist(), 0))
    return rows


@torch.inference_mode()
def _loss(model: nn.Module, rows: Sequence[EncodedRow], broken: Collator) -> float:
    """The mean loss of held-out texts, broken in the same way each time."""
    model.eval()
    data = EncodedRows(sorted(rows, key=lambda row: len(row.input_ids)))
    total = 0.0
    for start in range(0, len(data), _READ_BATCH):
        items = [data[place] for place in range(start, min(start + _READ_BATCH, len(data)))]
        total += float(model(**broken(items))["loss"]) * len(items)
    model.train()
    return total / len(data)


def _drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _card(request: PretrainRequest, source: EncoderSource, metrics: dict[str, float]) -> str:
    config = request.config
    objective = {
        "mlm": f"masked language model, {config.mask:.0%} of the tokens hidden",
        "tsdae": f"denoising auto-encoder, {config.deletion:.0%} of the tokens lost",
    }[request.objective]
    licences = "; ".join(f"{name}: {licence}" for name, licence in config.licences.items())
    measures: list[Any] = [f"| {name} | {value:.4g} |" for name, value in metrics.items()]
    return "\n".join(
        [
            f"# {request.output.name}",
            "",
            f"{source.name} (SHA-256 `{source.sha256[:16]}...`), pre-trained on raw texts of "
            f"{data_name(request.texts_file)}: {objective}; method {config.method}, "
            f"{config.epochs:g} epochs, learning rate {config.learning_rate:g}, "
            f"at most {config.max_length} tokens, seed {config.seed}.",
            "",
            f"Licences of the texts: {licences or 'not stated'}.",
            "",
            "| measure | value |",
            "|---|---|",
            *measures,
            "",
        ]
    )
