"""The sentence vector of a joint run, which is kept near the untuned encoder's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from ml.artifacts import Artifact
from ml.data.readers import read_texts
from ml.data.splits import split_by_text, text_key
from ml.encoders import EncoderSource
from ml.errors import DataError
from ml.models.sentence_encoder import SentenceEncoder, VectorHead
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, collate
from ml.training.joint_heads import Measured
from ml.training.joint_recipe import JointTask
from ml.training.joint_texts import encode_read
from ml.types import FloatArray

_NEIGHBOURS = 10


@dataclass(frozen=True)
class VectorHeadTask:
    """Texts whose sentence vectors are to stay as the untuned encoder has them.

    After Li and Hoiem 2016, "Learning without forgetting".
    """

    recipe: JointTask
    config: FinetuneConfig
    tokenizer: Tokenizer
    training: tuple[str, ...]
    valid: tuple[str, ...]
    vectors: Callable[[Sequence[EncodedRow]], FloatArray]

    @classmethod
    def read(
        cls,
        recipe: JointTask,
        config: FinetuneConfig,
        source: EncoderSource,
        tokenizer: Tokenizer,
    ) -> VectorHeadTask:
        """Read the texts; those to measure by are not trained on."""
        training = _texts(recipe.train, config)
        if recipe.valid is not None:
            valid = _texts(recipe.valid, config)
            seen = {text_key(text) for text in valid}
            training = [text for text in training if text_key(text) not in seen]
        else:
            training, valid = split_by_text(
                training, held_out=config.held_out, seed=config.seed, key=text_key
            )
        for texts, what in ((training, "no texts to train on"), (valid, "no texts to measure by")):
            if not texts:
                raise DataError(recipe.train, None, f"leaves {what}")

        def vectors(rows: Sequence[EncodedRow]) -> FloatArray:
            from ml.models.encoder import load_encoder

            return vectors_of(SentenceEncoder(load_encoder(source)), rows, shapes=False)

        return cls(recipe, config, tokenizer, tuple(training), tuple(valid), vectors)

    @cached_property
    def rows(self) -> list[EncodedRow]:
        return self._taught(self.training)

    @property
    def all_rows(self) -> list[EncodedRow]:
        return self._taught([*self.training, *self.valid])

    @property
    def texts(self) -> tuple[int, int]:
        return len(self.training), len(self.valid)

    def make(self) -> nn.Module:
        return VectorHead()

    def start(self, head: nn.Module, model: nn.Module, rows: Sequence[EncodedRow]) -> None:
        """It has no weights of its own."""

    def measured(self, artifact: Artifact, head: nn.Module, model: nn.Module) -> Measured:
        rows = self._encoded(self.valid)
        before, after = self.vectors(rows), vectors_of(model, rows)
        metrics = {
            "n": len(rows),
            "cosine": float((before * after).sum(axis=1).mean()),
            f"neighbours@{_NEIGHBOURS}": _neighbours_kept(before, after),
        }
        return Measured(artifact, metrics)

    def _taught(self, texts: Sequence[str]) -> list[EncodedRow]:
        rows = self._encoded(texts)
        vectors = self.vectors(rows)
        return [replace(row, taught=vector) for row, vector in zip(rows, vectors, strict=True)]

    def _encoded(self, texts: Sequence[str]) -> list[EncodedRow]:
        return encode_read(texts, [0] * len(texts), self.tokenizer, self.config.max_length)


def _texts(file: Path, config: FinetuneConfig) -> list[str]:
    """The different texts of a file, in order."""
    return list(dict.fromkeys(read_texts(file, config.columns)))


@torch.inference_mode()
def vectors_of(
    model: nn.Module, rows: Sequence[EncodedRow], *, shapes: bool = True, batch_size: int = 64
) -> FloatArray:
    """The unit vectors (rows, hidden) that ``model`` gives, which reads shapes or does not."""
    model.eval()
    order = sorted(range(len(rows)), key=lambda i: len(rows[i].input_ids))
    found: list[FloatArray] = [np.empty(0, dtype=np.float32)] * len(rows)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        items = [
            {
                "input_ids": rows[i].input_ids,
                "labels": 0,
                **({"shape_ids": rows[i].shape_ids} if shapes else {}),
            }
            for i in chosen
        ]
        batch = collate(items)
        batch.pop("labels")
        for i, vector in zip(chosen, model(**batch)["vector"].float().numpy(), strict=True):
            found[i] = vector
    return np.stack(found)


def _neighbours_kept(before: FloatArray, after: FloatArray) -> float:
    """The share of each text's nearest other texts that are so before and after."""
    number = min(_NEIGHBOURS, len(before) - 1)
    if number < 1:
        return 1.0

    def nearest(vectors: FloatArray) -> list[set[int]]:
        cosines = vectors @ vectors.T
        np.fill_diagonal(cosines, -2.0)
        return [set(row.tolist()) for row in np.argsort(-cosines, axis=1)[:, :number]]

    pairs = zip(nearest(before), nearest(after), strict=True)
    return float(np.mean([len(one & other) / number for one, other in pairs]))
