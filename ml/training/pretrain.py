"""From raw texts to an encoder that has read them: pre-training on what a field writes.

Gururangan et al. 2020, "Don't Stop Pretraining". The result is a folder that a recipe names as its
``encoder``; what it is good for shows when a task is tuned on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import TOKENIZER, DataSource
from ml.data.dataset_folders import data_name, data_sha256, training_splits
from ml.data.encoding import load_tokenizer
from ml.data.unknown_tokens import unknown_words
from ml.encoders import EncoderSource, resolve_encoder
from ml.errors import TrainingError
from ml.export.merge import check_plain, write_encoder
from ml.licences import described
from ml.models.denoising_autoencoder import DenoisingAutoEncoder
from ml.models.encoder import delta_state, load_encoder, merged, trainable_parameters, tune
from ml.models.masked_language_model import MaskedLanguageModel
from ml.models.tagger import IGNORED
from ml.training.broken_texts import Collator, Deletion, Draws, Masking
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, EncodedRows
from ml.training.kinds import check_idle
from ml.training.order import EpochOrder
from ml.training.pretrain_card import pretrain_card
from ml.training.pretrain_texts import encoded, raw_texts
from ml.training.processes import is_main_process, wait_for_all
from ml.training.rows import Observer, Warn
from ml.training.settings.pretraining import OBJECTIVES
from ml.training.tasks import fitting_encoder
from ml.training.tracking import RunRecord
from ml.training.trainer import ProgressCallback, seed_everything, train

_READ_BATCH = 64
_NOT_HERE = (
    *("patience", "measure_epochs", "refit", "distil", "augment"),
    *("mixup", "r_drop", "contrast", "class_rows", "start", "loss", "label_smoothing"),
    *("class_weights", "head_start", "label_names", "memory", "label_precision", "pair_loss"),
    *("pooling", "long_texts", "strength", "dropout", "target_error", "in_scope_kept"),
    *("memory_temperature", "pseudo_by", "pseudo_error", "pseudo_per_class"),
    *("similarity_scale", "triplet_margin", "keep_weight"),
)
"""Settings that ask for labels, for held-out rows with labels, or for a head."""
_OF_ANOTHER = {"mlm": "deletion", "tsdae": "mask"}
"""By the objective the setting of the other one."""


@dataclass(frozen=True, slots=True)
class PretrainRequest:
    """What to read and how: ``texts_file`` as :func:`ml.data.readers.read_texts` takes it,
    ``valid_file`` likewise (a share of the texts without it), the recipe, and where the encoder and
    the run's checkpoints go. Of a folder with splits those for training and validation are taken.
    ``observer`` and ``warn`` as :class:`ml.training.rows.FinetuneRequest` has them."""

    objective: str
    texts_file: Path
    valid_file: Path | None
    output: Path
    run_folder: Path
    config: FinetuneConfig
    observer: Observer | None = None
    warn: Warn | None = None

    def __post_init__(self) -> None:
        texts, valid = training_splits(self.texts_file, self.valid_file)
        object.__setattr__(self, "texts_file", texts)
        object.__setattr__(self, "valid_file", valid)

    @property
    def files(self) -> dict[str, Path]:
        """The files by what they are for."""
        given = {"train": self.texts_file, "valid": self.valid_file}
        return {use: path for use, path in given.items() if path is not None}


@dataclass(frozen=True, slots=True)
class Pretrained:
    """The encoder that was made, and its measures: the objective's loss on held-out texts before
    and after, of masked language models the perplexity too."""

    source: EncoderSource
    metrics: dict[str, float]


def pretrain(request: PretrainRequest, progress: ProgressCallback | None = None) -> Pretrained:
    """Train an encoder on raw texts and write it as the folder ``request.output``.

    The same request resumes after a kill. Repeated texts are read once. Of several processes
    (:mod:`ml.training.processes`) the main one writes.

    Raises :class:`DataError` for an unusable row or file, or fewer than twenty texts,
    :class:`TrainingError` for an encoder, method or setting that does not fit the objective, or a
    loss that is no number. ``request.output`` appears complete or not at all.
    """
    _check(request)
    if not is_main_process():
        return _pretrain(request, None, progress)
    name = f"pretrain-{request.objective}"
    record = RunRecord(
        request.run_folder, name, request.config, request.files, observer=request.observer
    )
    try:
        made = _pretrain(request, record, progress)
    except BaseException as error:
        record.break_off(error)
        raise
    record.end(made.metrics)
    return made


def _check(request: PretrainRequest) -> None:
    """Refuse what would only show, or be passed over, once the training is done."""
    if request.objective not in OBJECTIVES:
        raise TrainingError(
            f"no objective {request.objective!r}; there are {', '.join(OBJECTIVES)}"
        )
    config, usual = request.config, FinetuneConfig()
    for name in (*_NOT_HERE, _OF_ANOTHER[request.objective]):
        if getattr(config, name) != getattr(usual, name):
            raise TrainingError(f"{name} means nothing to {request.objective} on raw texts")
    if config.few_shot == "on":
        raise TrainingError("few_shot = 'on' is for labelled rows")
    check_idle(config)
    source = resolve_encoder(config.encoder)
    method = config.method_settings()
    encoder = tune(fitting_encoder(source, config), method)
    if not delta_state(encoder, method):
        raise TrainingError(f"method {config.method!r} changes nothing of the encoder")
    check_plain(merged(encoder, method), source, config.method)


def _pretrain(
    request: PretrainRequest, record: RunRecord | None, progress: ProgressCallback | None
) -> Pretrained:
    """``record`` is that of the main process."""
    config = request.config
    source = resolve_encoder(config.encoder)
    tokenizer = load_tokenizer(source.path / TOKENIZER)
    texts, held_out = raw_texts(
        request.texts_file,
        request.valid_file,
        held_out=config.held_out,
        seed=config.seed,
        columns=config.columns,
    )
    if record and (told := unknown_words(texts, tokenizer, source.name)):
        record.warned(told)
        if request.warn:
            request.warn(told)
    rows, measuring = (encoded(part, tokenizer, config.max_length) for part in (texts, held_out))
    seed_everything(config.seed)
    model, broken = _objective(request.objective, source, tokenizer, config)
    before = _loss(model, measuring, broken(Draws(config.seed)))
    together = config.batch_size * config.accumulation
    order = EpochOrder([len(row.input_ids) for row in rows], together, config.seed)
    trained = train(
        model,
        rows,
        config,
        run_folder=request.run_folder,
        progress=progress,
        collator=broken(Draws(config.seed, order)),
        watch=record.phase(".") if record else None,
        order=order,
    )
    after = _loss(model, measuring, broken(Draws(config.seed)))
    metrics = {"texts": float(len(texts)), "n": float(len(held_out))}
    metrics |= {"loss_before": before, "loss": after}
    if request.objective == "mlm":
        metrics |= {"perplexity_before": math.exp(before), "perplexity": math.exp(after)}
    metrics |= {
        "minutes": round(trained.minutes, 2),
        "trainable_parameters": float(trainable_parameters(model)),
    }
    return Pretrained(_written(request, source, model, metrics), metrics)


def _objective(
    name: str, source: EncoderSource, tokenizer: Tokenizer, config: FinetuneConfig
) -> tuple[nn.Module, Callable[[Draws], Collator]]:
    """The model that learns, and what breaks its texts."""
    encoder = tune(load_encoder(source), config.method_settings())
    if name == "mlm":
        model: nn.Module = MaskedLanguageModel(encoder, hidden_size=source.hidden_size)
        return model, partial(Masking.of, tokenizer, config.mask)
    return DenoisingAutoEncoder(encoder, source), partial(Deletion.of, tokenizer, config.deletion)


@torch.inference_mode()
def _loss(model: nn.Module, rows: Sequence[EncodedRow], broken: Collator) -> float:
    """The mean loss of a token of held-out texts, broken in the same way each time."""
    model.eval()
    data = EncodedRows(sorted(rows, key=lambda row: len(row.input_ids)))
    total, tokens = 0.0, 0
    for start in range(0, len(data), _READ_BATCH):
        items = [data[place] for place in range(start, min(start + _READ_BATCH, len(data)))]
        batch = broken(items)
        # The first token opens a text: neither objective asks for it.
        asked = int((batch["labels"][:, 1:] != IGNORED).sum())
        total += float(model(**batch)["loss"]) * asked
        tokens += asked
    model.train()
    return total / max(1, tokens)


def _written(
    request: PretrainRequest, source: EncoderSource, model: nn.Module, metrics: dict[str, float]
) -> EncoderSource:
    """The encoder's folder, which the main process writes."""
    if is_main_process():
        config = request.config
        file = request.texts_file
        licence = described(config.licences)
        data = (DataSource(data_name(file), data_sha256(file), int(metrics["texts"]), licence),)
        encoder: nn.Module = model.encoder  # type: ignore[assignment]
        write_encoder(
            merged(encoder, config.method_settings()),
            source,
            request.output,
            made_by=f"pretrain {request.objective}",
            data=data,
            card=pretrain_card(
                request.output.name, request.objective, source, config, data, metrics
            ),
        )
    wait_for_all()
    return resolve_encoder(str(request.output))
