"""From labelled rows to a calibrated, measured artifact."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer

from ml.artifacts import (
    ADAPTER,
    HEAD,
    MODEL_CARD,
    Artifact,
    DataSource,
    EncoderRef,
    staged_folder,
    write_artifact,
)
from ml.data.encoding import load_tokenizer
from ml.data.readers import LabelledText
from ml.encoders import EncoderSource, file_sha256, resolve_encoder
from ml.errors import TrainingError
from ml.evaluation.calibration import accept_threshold, fit_temperature
from ml.evaluation.decoding import decode_tags
from ml.evaluation.out_of_scope import choose_threshold
from ml.evaluation.reports import classification_report, tagging_report
from ml.evaluation.scoring import OOS_COLUMN, classify_logits, out_of_scope_scores
from ml.models.classifier import TextClassifier
from ml.models.encoder import delta_state, load_encoder, trainable_parameters, tune
from ml.models.tagger import IGNORED, TokenTagger
from ml.training.card import model_card
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, encode_classification, encode_tagging
from ml.training.rows import FinetuneRequest, check_labels, classification_rows, ner_rows
from ml.training.trainer import ProgressCallback, forward_all, seed_everything, train
from ml.types import OUT_OF_SCOPE, FloatArray


def finetune(request: FinetuneRequest, progress: ProgressCallback | None = None) -> Artifact:
    """Train, calibrate, measure and store one artifact; returns its declaration.

    Raises :class:`DataError` (a row or file is unusable), :class:`TrainingError` (one class only,
    a loss that is not finite, ...). ``request.output`` appears complete or not at all.
    """
    source = resolve_encoder(request.config.encoder)
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    seed_everything(request.config.seed)
    if request.kind == "classification":
        return _finetune_classifier(request, source, tokenizer, progress)
    if request.kind == "ner":
        return _finetune_tagger(request, source, tokenizer, progress)
    raise TrainingError("fine-tuning of the kind 'embedding' is not available yet")


def _finetune_classifier(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    config = request.config
    training, valid = classification_rows(request)
    labels = sorted({row.label for row in training} - {OUT_OF_SCOPE})
    check_labels(request, labels, {row.label for row in valid} - {OUT_OF_SCOPE})
    exposed = any(row.label == OUT_OF_SCOPE for row in training)
    columns = {label: index for index, label in enumerate([*labels, *([OUT_OF_SCOPE] * exposed)])}
    model = TextClassifier(
        tune(_encoder(source, config), config.method_settings()),
        hidden_size=source.hidden_size,
        columns=len(columns),
        dropout=config.dropout,
        label_smoothing=config.label_smoothing,
    )
    rows = encode_classification(training, tokenizer, columns, config.max_length)
    started = time.monotonic()
    curve = train(model, rows, config, run_folder=request.run_folder, progress=progress)
    minutes = (time.monotonic() - started) / 60
    artifact = _declare(request, source, labels, {OOS_COLUMN: exposed}, len(training))
    known = {label: columns.get(label, 0) for label in {*labels, OUT_OF_SCOPE}}
    held_out = encode_classification(valid, tokenizer, known, config.max_length)
    logits = _stack(forward_all(model, held_out))
    artifact = _calibrated(artifact, logits, valid, config)
    answers = classify_logits(logits, logits, artifact)
    metrics = classification_report(answers, [row.label for row in valid], labels)
    return _store(request, artifact, model, metrics, minutes, curve)


def _finetune_tagger(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None,
) -> Artifact:
    config = request.config
    training, valid = ner_rows(request)
    types = sorted({tag[2:] for row in training for tag in row.tags if tag != "O"})
    check_labels(request, types, {tag[2:] for row in valid for tag in row.tags if tag != "O"})
    tags = ["O", *(f"{prefix}-{name}" for name in types for prefix in "BI")]
    columns = {tag: index for index, tag in enumerate(tags)}
    model = TokenTagger(
        tune(_encoder(source, config), config.method_settings()),
        hidden_size=source.hidden_size,
        columns=len(tags),
        dropout=config.dropout,
        label_smoothing=config.label_smoothing,
    )
    rows = encode_tagging(training, tokenizer, columns, config.max_length)
    started = time.monotonic()
    curve = train(model, rows, config, run_folder=request.run_folder, progress=progress)
    minutes = (time.monotonic() - started) / 60
    artifact = _declare(request, source, tags, {}, len(training))
    held_out = encode_tagging(valid, tokenizer, columns, config.max_length)
    logits = forward_all(model, held_out)
    words, gold = _word_logits(held_out, logits)
    artifact = replace(artifact, temperature=fit_temperature(words, gold))
    predicted = [
        decode_tags(_of_words(row, scores, len(sentence.tokens)), artifact)
        for row, scores, sentence in zip(held_out, logits, valid, strict=True)
    ]
    metrics = tagging_report(predicted, [row.tags for row in valid])
    return _store(request, artifact, model, metrics, minutes, curve)


def _encoder(source: EncoderSource, config: FinetuneConfig) -> torch.nn.Module:
    encoder: Any = load_encoder(source)
    positions = getattr(encoder.config, "max_position_embeddings", config.max_length)
    if config.max_length > positions:
        raise TrainingError(
            f"max_length is {config.max_length}; {source.name} reads at most {positions} tokens"
        )
    return encoder


def _declare(
    request: FinetuneRequest,
    source: EncoderSource,
    labels: Sequence[str],
    settings: dict[str, Any],
    rows: int,
) -> Artifact:
    config = request.config
    return Artifact(
        task=request.name,
        kind=request.kind,
        version="",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        encoder=EncoderRef(source.name, source.sha256, source.hidden_size),
        method=config.method_settings(),
        labels=tuple(labels),
        max_length=config.max_length,
        pooling="none" if request.kind == "ner" else "mean",
        temperature=1.0,
        thresholds={},
        data=_sources(request, rows),
        metrics={},
        settings=settings,
    )


def _sources(request: FinetuneRequest, rows: int) -> tuple[DataSource, ...]:
    licences = request.config.licences
    described = "; ".join(f"{name}: {licence}" for name, licence in licences.items())
    file = request.train_file
    return (DataSource(file.name, file_sha256(file), rows, described or "unknown"),)


def _calibrated(
    artifact: Artifact,
    logits: FloatArray,
    valid: Sequence[LabelledText],
    config: FinetuneConfig,
) -> Artifact:
    """Fit temperature and thresholds on the held-out rows."""
    inside = np.array([row.label != OUT_OF_SCOPE for row in valid])
    position = {label: index for index, label in enumerate(artifact.labels)}
    gold = np.array([position[row.label] for row in valid if row.label != OUT_OF_SCOPE])
    known = logits[inside][:, : len(artifact.labels)]
    artifact = replace(
        artifact,
        temperature=fit_temperature(known, gold),
        thresholds={"out_of_scope": 1.0} if (~inside).any() else {},
    )
    thresholds: dict[str, float] = {}
    scores = out_of_scope_scores(logits, artifact)
    if scores is not None:
        thresholds["out_of_scope"] = choose_threshold(
            scores[inside].tolist(), scores[~inside].tolist(), in_scope_kept=config.in_scope_kept
        )
    answers = classify_logits(logits[inside], logits[inside], artifact)
    right = [artifact.labels[g] == answer.label for g, answer in zip(gold, answers, strict=True)]
    thresholds["accept"] = accept_threshold(
        [answer.confidence for answer in answers], right, target_error=config.target_error
    )
    return replace(artifact, thresholds=thresholds)


def _store(
    request: FinetuneRequest,
    artifact: Artifact,
    model: torch.nn.Module,
    metrics: dict[str, Any],
    minutes: float,
    curve: Sequence[dict[str, float]],
) -> Artifact:
    numbers = {
        name: float(value) for name, value in metrics.items() if isinstance(value, int | float)
    }
    for name, row in metrics.get("per_type", {}).items():
        numbers[f"f1_{name}"] = row["f1"]
    numbers["minutes"] = round(minutes, 2)
    numbers["trainable_parameters"] = float(trainable_parameters(model))
    artifact = replace(
        artifact, metrics=numbers, settings=artifact.settings | {"recipe": _recipe(request.config)}
    )
    encoder: Any = model.encoder
    head = {
        name: tensor.detach().clone().contiguous()
        for name, tensor in model.state_dict().items()
        if not name.startswith("encoder.")
    }
    with staged_folder(request.output) as folder:
        delta = delta_state(encoder, artifact.method)
        if delta:
            save_file(delta, folder / ADAPTER)
        save_file(head, folder / HEAD)
        (folder / MODEL_CARD).write_text(
            model_card(artifact, request.config, curve), encoding="utf-8"
        )
        return write_artifact(folder, artifact)


def _recipe(config: FinetuneConfig) -> dict[str, Any]:
    names = ("epochs", "batch_size", "learning_rate", "warmup", "schedule", "label_smoothing")
    return {name: getattr(config, name) for name in (*names, "weight_decay", "seed")}


def _stack(rows: Sequence[torch.Tensor]) -> FloatArray:
    stacked: FloatArray = torch.stack(list(rows)).float().numpy()
    return stacked


def _of_words(row: EncodedRow, logits: torch.Tensor, words: int) -> FloatArray:
    """The logits at each word's first token; words beyond the cut count as outside."""
    outside = np.full((words, logits.shape[1]), -20.0, dtype=np.float32)
    outside[:, 0] = 20.0
    assert row.word_index is not None
    for token, word in enumerate(row.word_index):
        if word >= 0:
            outside[word] = logits[token].float().numpy()
    return outside


def _word_logits(
    rows: Sequence[EncodedRow], logits: Sequence[torch.Tensor]
) -> tuple[FloatArray, Any]:
    scores, gold = [], []
    for row, tokens in zip(rows, logits, strict=True):
        assert isinstance(row.labels, list)
        for token, label in enumerate(row.labels):
            if label != IGNORED:
                scores.append(tokens[token].float().numpy())
                gold.append(label)
    return np.stack(scores), np.array(gold)
