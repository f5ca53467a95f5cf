"""What a run trains on and what it trains: rows, columns, a new model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import fmean
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import nn

from ml.data.augmentation import (
    augmentation,
    augmented_sentences,
    augmented_texts,
    has_other_names,
)
from ml.data.joined import joined
from ml.data.readers import LabelledText, TaggedSentence
from ml.encoders import EncoderSource
from ml.errors import TrainingError
from ml.models.classifier import TextClassifier
from ml.models.encoder import load_encoder, tune
from ml.models.tagger import IGNORED, TokenTagger
from ml.models.tuning.layers import token_positions
from ml.models.tuning.registry import make_method
from ml.training.config import FinetuneConfig
from ml.training.datasets import (
    EncodedRow,
    encode_classification,
    encode_tagging,
    learned_rows,
    of_mean_weight_one,
)
from ml.training.few_rows import fitted_to_few
from ml.training.few_shot import label_rows, start_head
from ml.training.kinds import check_strength
from ml.training.memory import remember
from ml.training.objective import make_contrast, make_distillation, make_loss
from ml.training.rows import (
    FinetuneRequest,
    check_labels,
    classification_rows,
    ner_rows,
    warn_of_unknown_words,
)
from ml.training.settings.distillation import Distillation, distillation
from ml.training.start import begin_from
from ml.training.teachers import Teacher, soft_targets
from ml.training.weakening import weaken
from ml.types import OUT_OF_SCOPE
from ml.wording import Wording


@dataclass(frozen=True)
class ClassifierTask:
    """Texts to train on and to measure by; ``config`` is the recipe as it fits their number.

    ``columns`` maps a label, the out-of-scope one behind the others if rows have it, to its column
    of the logits. ``pseudo`` are texts that a model gave their labels; they are trained on too, as
    much as they weigh beside the others.
    What ``teachers`` say of the texts is learned beside the labels, and of the ``unlabelled`` ones
    it is all that is learned.
    """

    config: FinetuneConfig
    source: EncoderSource
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    columns: dict[str, int]
    training: list[LabelledText]
    valid: list[LabelledText]
    pseudo: tuple[LabelledText, ...] = ()
    teachers: tuple[Teacher, ...] = ()
    unlabelled: tuple[str, ...] = ()

    @classmethod
    def read(
        cls, request: FinetuneRequest, source: EncoderSource, tokenizer: Tokenizer
    ) -> ClassifierTask:
        """Read the rows of a request; raises :class:`DataError` or :class:`TrainingError`."""
        training, valid = classification_rows(request)
        labels = sorted({row.label for row in training} - {OUT_OF_SCOPE})
        check_labels(
            request, labels, ((row.label, row.row) for row in valid if row.label != OUT_OF_SCOPE)
        )
        exposed = any(row.label == OUT_OF_SCOPE for row in training)
        names = [*labels, *([OUT_OF_SCOPE] * exposed)]
        config = fitted_to_few(
            request.config,
            rows=len(training),
            classes=len(names),
            own_split=request.valid_file is None,
        )
        check_strength(config)
        warn_of_unknown_words(request, source, tokenizer, [row.text for row in training])
        columns = {label: index for index, label in enumerate(names)}
        return cls(config, source, tokenizer, tuple(labels), columns, training, valid)

    @property
    def has_out_of_scope(self) -> bool:
        """Whether a column stands for texts of none of the labels."""
        return len(self.columns) > len(self.labels)

    @cached_property
    def rows(self) -> list[EncodedRow]:
        """What is trained on: the training texts, label names and changed copies by recipe.

        Their weights have the mean 1.
        """
        return self._learned(self.training)

    @cached_property
    def held_out(self) -> list[EncodedRow]:
        """The validation texts; those out of scope without a column have that of a label."""
        known = {label: self.columns.get(label, 0) for label in {*self.labels, OUT_OF_SCOPE}}
        return self._encoded(self.valid, known)

    @property
    def known_valid(self) -> list[LabelledText]:
        """The validation texts whose label has a column."""
        return [row for row in self.valid if row.label in self.columns]

    @property
    def known_held_out(self) -> list[EncodedRow]:
        """:attr:`known_valid`, encoded as they are."""
        return self._encoded(self.known_valid, self.columns)

    def whole(self) -> ClassifierTask:
        """The task of a run on all rows: its training texts are the validation ones too."""
        return replace(self, training=[*self.training, *self.known_valid])

    def make(self) -> TextClassifier:
        """A new model, drawn from torch's generator."""
        config = self.config
        model = TextClassifier(
            tune(fitting_encoder(self.source, config), config.method_settings()),
            **self.head_settings(),
        )
        if config.head_start != "random":
            rows = self._encoded(self.named([*self.training, *self.pseudo]), self.columns)
            start_head(model, model, of_mean_weight_one(rows), config.head_start)
        return model

    def head_settings(self) -> dict[str, Any]:
        """Those of a new :class:`ml.models.classifier.ClassifierHead`."""
        config = self.config
        labels = (self.columns[row.label] for row in self.training)
        mean = fmean(row.weight for row in self.training)
        weights = [row.weight / mean for row in self.training]
        return {
            "hidden_size": self.source.hidden_size,
            "columns": len(self.columns),
            "pooling": config.pooling,
            "dropout": config.dropout,
            "loss": make_loss(config, labels, len(self.columns), weights),
            "contrast": make_contrast(config),
            "contrast_share": config.contrast,
            "r_drop": config.r_drop,
            "mixup": config.mixup,
            "distillation": make_distillation(self._distillation),
        }

    def named(self, rows: Sequence[LabelledText]) -> list[LabelledText]:
        """The rows and, by recipe, the labels' names behind them."""
        return [*rows, *(label_rows(self.labels) if self.config.label_names else [])]

    def settle(self, model: nn.Module, rows: Sequence[EncodedRow]) -> None:
        """Keep of a model trained on ``rows`` as much as the recipe's ``strength`` says, and let
        it remember the training texts as its ``memory`` says: no changed copies. A model that
        learned from guessed labels too knows more than these, and has none."""
        assert isinstance(model, TextClassifier)
        config = self.config
        if config.strength < 1:
            weaken(model.encoder, self.source, config)
            labelled = [row for row in rows if row.labels != IGNORED]
            start_head(model, model, labelled, config.head_start)
        if config.memory and not (self.pseudo or self.unlabelled):
            known = self._encoded(self.named(self.training), self.columns)
            remember(
                model,
                of_mean_weight_one(known),
                labels=len(self.labels),
                share=config.memory,
                temperature=config.memory_temperature,
            )

    @property
    def _distillation(self) -> Distillation | None:
        return distillation(self.config.distil) if self.teachers else None

    def _learned(self, rows: Sequence[LabelledText]) -> list[EncodedRow]:
        more = self._more(rows)
        encoded = self._encoded(more, self.columns)
        if settings := self._distillation:
            of_teachers = [LabelledText(text, self.labels[0]) for text in self.unlabelled]
            taught = soft_targets(self.teachers, [*more, *of_teachers], settings.temperature)
            encoded += [
                replace(row, owner=row.owner + len(more), labels=IGNORED)
                for row in self._encoded(of_teachers, self.columns)
            ]
            encoded = [replace(row, taught=taught[row.owner]) for row in encoded]
        return of_mean_weight_one(learned_rows(encoded))

    def _more(self, rows: Sequence[LabelledText]) -> list[LabelledText]:
        named = self.named([*rows, *self.pseudo])
        settings = augmentation(self.config.augment)
        return augmented_texts(named, settings, self.config.seed) if settings else named

    def _encoded(self, rows: Sequence[LabelledText], columns: dict[str, int]) -> list[EncodedRow]:
        config = self.config
        return encode_classification(
            rows, self.tokenizer, columns, config.max_length, config.long_texts
        )


@dataclass(frozen=True)
class TaggerTask:
    """Sentences to train on and to measure by; ``columns`` maps a tag to its column."""

    config: FinetuneConfig
    source: EncoderSource
    tokenizer: Tokenizer
    columns: dict[str, int]
    training: list[TaggedSentence]
    valid: list[TaggedSentence]

    @classmethod
    def read(
        cls, request: FinetuneRequest, source: EncoderSource, tokenizer: Tokenizer
    ) -> TaggerTask:
        """Read the rows of a request; raises :class:`DataError` or :class:`TrainingError`."""
        training, valid = ner_rows(request)
        types = sorted({tag[2:] for row in training for tag in row.tags if tag != "O"})
        asked = ((tag[2:], row.row) for row in valid for tag in row.tags if tag != "O")
        check_labels(request, types, asked)
        changes = augmentation(request.config.augment)
        if changes and changes.copies and changes.entity and not has_other_names(training):
            raise TrainingError(
                Wording(
                    "augment.entity exchanges no names: there are no lists of %(types)s, and the "
                    "training rows have one name of each",
                    types=", ".join(types),
                )
            )
        sentences = [joined(row.tokens) for row in training]
        warn_of_unknown_words(request, source, tokenizer, sentences)
        tags = ["O", *(f"{prefix}-{name}" for name in types for prefix in "BI")]
        columns = {tag: index for index, tag in enumerate(tags)}
        return cls(request.config, source, tokenizer, columns, training, valid)

    @cached_property
    def rows(self) -> list[EncodedRow]:
        """What is trained on: the training sentences and, by recipe, changed copies."""
        return self._encoded(self._more(self.training))

    @cached_property
    def held_out(self) -> list[EncodedRow]:
        """The validation sentences."""
        return self._encoded(self.valid)

    @property
    def all_rows(self) -> list[EncodedRow]:
        """What a run on all rows is trained on: as :attr:`rows`, of the validation ones too."""
        return self._encoded(self._more([*self.training, *self.valid]))

    def make(self) -> TokenTagger:
        """A new model, drawn from torch's generator."""
        tags = (self.columns[tag] for row in self.training for tag in row.tags)
        chained = self.config.loss == "crf"
        model = TokenTagger(
            tune(fitting_encoder(self.source, self.config), self.config.method_settings()),
            hidden_size=self.source.hidden_size,
            columns=len(self.columns),
            dropout=self.config.dropout,
            loss=None if chained else make_loss(self.config, tags, len(self.columns)),
            chain=chained,
        )
        if self.config.start:
            begin_from(model, self.config, self.source, tuple(self.columns))
        return model

    def _more(self, rows: Sequence[TaggedSentence]) -> list[TaggedSentence]:
        settings = augmentation(self.config.augment)
        return augmented_sentences(rows, settings, self.config.seed) if settings else list(rows)

    def _encoded(self, rows: Sequence[TaggedSentence]) -> list[EncodedRow]:
        return encode_tagging(rows, self.tokenizer, self.columns, self.config.max_length)


def fitting_encoder(source: EncoderSource, config: FinetuneConfig) -> torch.nn.Module:
    """The encoder; raises :class:`TrainingError` if it reads less than ``max_length`` tokens."""
    encoder: Any = load_encoder(source)
    taken = make_method(config.method_settings()).virtual_tokens
    positions = token_positions(encoder)
    if positions is not None and config.max_length > positions - taken:
        raise TrainingError(
            Wording(
                "max_length is %(asked)s; %(encoder)s reads at most %(most)s tokens beside the "
                "%(taken)s of the method %(method)s"
                if taken
                else "max_length is %(asked)s; %(encoder)s reads at most %(most)s tokens",
                asked=config.max_length,
                encoder=source.name,
                most=max(0, positions - taken),
                taken=taken,
                method=config.method,
            )
        )
    return encoder
