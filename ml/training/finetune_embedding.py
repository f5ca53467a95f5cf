"""From pairs of texts to a tuned, measured sentence encoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from ml.artifacts import (
    ADAPTER,
    MODEL_CARD,
    Artifact,
    DataSource,
    write_artifact,
)
from ml.data.dataset_folders import data_name, data_sha256
from ml.data.encoding import encode_texts
from ml.data.pairs import Pair
from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.evaluation.pair_measure import Asked, Found, PairMeasure, asked_by
from ml.evaluation.pair_ranking import rank_numbers
from ml.licences import described
from ml.models.encoder import delta_state, load_encoder, trainable_parameters, tune
from ml.models.sentence_encoder import SentenceEncoder
from ml.outputs import staged_folder
from ml.provenance import with_learned
from ml.training.card import model_card
from ml.training.config import FinetuneConfig
from ml.training.evaluated import tell_evaluation
from ml.training.losses.multiple_negatives import MultipleNegativesRankingLoss
from ml.training.losses.triplet import TripletLoss
from ml.training.pair_batches import (
    EncodedPairs,
    PairModel,
    collate_pairs,
    encode_kept,
    encode_pairs,
)
from ml.training.pair_rows import embedding_pairs
from ml.training.processes import is_main_process, wait_for_all
from ml.training.rows import FinetuneRequest, warn_of_unknown_words
from ml.training.storing import recipe_told, unmeasured
from ml.training.tasks import fitting_encoder
from ml.training.trainer import ProgressCallback, seed_everything, train
from ml.training.weakening import weaken
from ml.types import Embedding, FloatArray
from ml.wording import Wording

_READ_BATCH = 64


def finetune_embedding(
    request: FinetuneRequest,
    source: EncoderSource,
    tokenizer: Tokenizer,
    progress: ProgressCallback | None = None,
) -> Artifact:
    """Tune the encoder on pairs, measure it on held-out ones and store the artifact.

    Measured is how well a held-out text finds what belongs to it among all held-out positives;
    the same numbers of the encoder as it was are kept beside them (``untuned_...``). With
    ``refit`` the weights are then trained once more on all pairs.

    Raises :class:`DataError` or :class:`TrainingError`.
    """
    config = request.config
    if config.method == "head":
        raise TrainingError(
            Wording(
                "the method 'head' tunes no weights of a sentence encoder; use another, such "
                "as lora"
            )
        )
    data = embedding_pairs(request)
    warn_of_unknown_words(request, source, tokenizer, [pair.text for pair in data.training])
    plain = fitting_encoder(source, config)
    reader = _Reader(tokenizer, config.max_length)
    asked = asked_by(data.valid)
    before, untuned = _measured(reader, plain, asked)
    kept = encode_kept(data.kept, reader.vectors(plain, data.kept), tokenizer, config.max_length)

    def fit_on(pairs: Sequence[Pair], run: str) -> _Fit:
        rows = EncodedPairs(encode_pairs(pairs, tokenizer, config.max_length), kept)
        read = partial(_held_out, reader, asked=asked) if run == "." else None
        return _fit(request, source, rows, progress, run, read if config.measure_epochs else None)

    fit = fit_on(data.training, ".")
    answers, metrics = _measured(reader, fit.encoder, asked)
    metrics |= {f"untuned_{name}": value for name, value in untuned.items() if name != "n"}
    if config.refit:
        again = fit_on([*data.training, *data.valid], "refit")
        fit = replace(again, minutes=fit.minutes + again.minutes)
    rows = (len(data.training) + len(kept), len(data.valid) if config.refit else 0)
    artifact = _store(request, _declare(request, source, rows), fit, metrics)
    measure = PairMeasure(_Tuned(reader, fit.encoder), asked)
    tell_evaluation(request, artifact, asked.rows, answers, measure=measure, before=before)
    return artifact


@dataclass(frozen=True, slots=True)
class _Fit:
    """A tuned encoder, how its loss fell, and the minutes that it took."""

    encoder: nn.Module
    curve: list[dict[str, float]]
    minutes: float


def _fit(
    request: FinetuneRequest,
    source: EncoderSource,
    rows: EncodedPairs,
    progress: ProgressCallback | None,
    run: str,
    measure: Callable[[nn.Module], dict[str, float]] | None = None,
) -> _Fit:
    config = request.config
    seed_everything(config.seed)
    encoder = tune(load_encoder(source), config.method_settings())
    model = PairModel(encoder, _loss(config), config.keep_weight)
    trained = train(
        model,
        rows,
        config,
        run_folder=request.run_folder / run,
        progress=progress,
        collator=collate_pairs,
        watch=request.watch(run),
        measure=(lambda: measure(model.encoder)) if measure is not None else None,
    )
    if config.strength < 1:
        weaken(model.encoder, source, config)
    return _Fit(model.encoder, trained.curve, trained.minutes)


def _loss(config: FinetuneConfig) -> nn.Module:
    if config.pair_loss == "triplet":
        return TripletLoss(config.triplet_margin)
    return MultipleNegativesRankingLoss(config.similarity_scale)


class _Reader:
    """Texts to vectors with a torch encoder."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        self._tokenizer = tokenizer
        self._max_length = max_length

    @torch.inference_mode()
    def vectors(self, encoder: nn.Module, texts: Sequence[str]) -> FloatArray:
        """Unit vectors, shape (texts, hidden)."""
        sentences = SentenceEncoder(encoder).eval()
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: list[FloatArray] = [np.empty(0, dtype=np.float32)] * len(texts)
        for start in range(0, len(texts), _READ_BATCH):
            chosen = by_length[start : start + _READ_BATCH]
            batch = encode_texts(
                self._tokenizer, [texts[i] for i in chosen], max_length=self._max_length
            )
            inputs: list[Tensor] = [
                torch.from_numpy(array) for array in (batch.input_ids, batch.attention_mask)
            ]
            for i, vector in zip(chosen, sentences(*inputs)["vector"].float().numpy(), strict=True):
                found[i] = vector
        return np.stack(found) if found else np.empty((0, 0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class _Tuned:
    """A torch encoder as what is measured."""

    reader: _Reader
    encoder: nn.Module

    def predict(self, texts: Sequence[str]) -> list[Embedding]:
        return [Embedding(vector, "") for vector in self.reader.vectors(self.encoder, texts)]


def _measured(
    reader: _Reader, encoder: nn.Module, asked: Asked
) -> tuple[list[Found], dict[str, float]]:
    """What the held-out pairs find by an encoder, and the measures."""
    answers = PairMeasure(_Tuned(reader, encoder), asked).answer(asked.rows, _quiet)
    numbers = rank_numbers([one.rank for one in answers])
    return answers, {"n": float(len(answers)), **numbers}


def _quiet(done: int, total: int, title: str) -> None:
    return


def _held_out(reader: _Reader, encoder: nn.Module, *, asked: Asked) -> dict[str, float]:
    """The numbers of the held-out pairs as a reading of the curves tells them."""
    was_training = encoder.training
    _, found = _measured(reader, encoder, asked)
    encoder.train(was_training)
    return {"held_out_recall": found["recall@1"], "held_out_mrr": found["mrr@10"]}


def _declare(request: FinetuneRequest, source: EncoderSource, rows: tuple[int, int]) -> Artifact:
    """The declaration; ``rows`` are the pairs trained on of the training and validation rows."""
    config = request.config
    licence = described(config.licences)
    trained, more = rows
    files = [(request.train_file, trained)]
    if request.valid_file is None:
        files = [(request.train_file, trained + more)]
    elif more:
        files.append((request.valid_file, more))
    recipe = recipe_told(config)
    recipe.pop("label_smoothing", None)  # pairs have no labels
    of_pairs = ("pair_loss", "similarity_scale", "triplet_margin", "strength", "keep_weight")
    return replace(
        unmeasured(request.name, request.kind, config, source),
        data=with_learned(
            (
                DataSource(data_name(file), data_sha256(file), count, licence)
                for file, count in files
            ),
            source,
        ),
        settings={"recipe": recipe | {name: getattr(config, name) for name in of_pairs}},
    )


def _store(
    request: FinetuneRequest, artifact: Artifact, fit: _Fit, metrics: dict[str, float]
) -> Artifact:
    numbers = metrics | {
        "minutes": round(fit.minutes, 2),
        "trainable_parameters": float(trainable_parameters(fit.encoder)),
    }
    artifact = replace(artifact, metrics=numbers)
    if not is_main_process():
        wait_for_all()
        return artifact
    with staged_folder(request.output) as folder:
        save_file(delta_state(fit.encoder, artifact.method), folder / ADAPTER)
        (folder / MODEL_CARD).write_text(
            model_card(artifact, request.config, fit.curve, request.command), encoding="utf-8"
        )
        artifact = write_artifact(folder, artifact)
    wait_for_all()
    return artifact
