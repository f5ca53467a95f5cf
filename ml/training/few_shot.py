"""Learning from a handful of rows a class.

A plain run on so few rows takes too few steps, at too high a rate, from a head that knows nothing.
What helps: the head starts at the classes' centroids
(Snell et al. 2017, "Prototypical Networks"), so that the run begins where nearest-centroid search
ends; the names of the labels are rows too (as zero-shot search by label descriptions uses them);
a contrastive term pulls the encoder's vectors of a class together (Tunstall et al. 2022, "SetFit",
do so in a stage of its own); and the steps are enough, at a lower rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import torch
from torch import nn
from torch.nn import functional

from ml.data.readers import LabelledText
from ml.models.classifier import TextClassifier
from ml.training.config import FinetuneConfig
from ml.training.datasets import EncodedRow, EncodedRows, collate

FEW = 20
"""Rows a class, on average, up to which a run is fitted to few."""

STEPS = 300
_SETTINGS = {
    "learning_rate": 4e-4,
    "schedule": "cosine",
    "contrast": 0.5,
    "class_rows": 2,
    "head_start": "centroids",
    "label_names": True,
}
_SCALE = 20.0
_READ_BATCH = 64


def fitted_to_few(
    config: FinetuneConfig, *, rows: int, classes: int, own_split: bool = False
) -> FinetuneConfig:
    """The recipe as it is to be for ``rows`` of so many ``classes``.

    With ``few_shot`` "on", or "auto" and few rows, the settings that were left at their defaults
    get values for few rows, and the epochs are enough for :data:`STEPS` steps. With ``own_split``
    the held-out rows were taken from the few that there are (one of five): the weights that are
    stored are trained on them too (``refit``), once they have been measured without.
    """
    if config.few_shot == "off" or (config.few_shot == "auto" and rows > FEW * classes):
        return config
    defaults = {setting.name: setting.default for setting in fields(config)}
    chosen: dict[str, object] = {
        name: value for name, value in _SETTINGS.items() if getattr(config, name) == defaults[name]
    }
    if config.epochs == defaults["epochs"]:
        steps_an_epoch = -(-rows // (config.batch_size * config.accumulation))
        chosen["epochs"] = max(config.epochs, float(-(-STEPS // steps_an_epoch)))
    if own_split:
        chosen["refit"] = True
    return replace(config, **chosen)  # type: ignore[arg-type]


def label_rows(labels: Sequence[str]) -> list[LabelledText]:
    """The labels' names as texts of theirs, where they have words to read."""
    names = ((label, label.replace("_", " ").replace("-", " ").strip()) for label in labels)
    return [
        LabelledText(name, label)
        for label, name in names
        if sum(character.isalpha() for character in name) >= 3
    ]


@torch.no_grad()
def start_at_centroids(model: TextClassifier, rows: Sequence[EncodedRow]) -> None:
    """Set the head to where nearest-centroid search ends.

    With u the unit vectors of the rows, a class's weights are the direction of ``mean(u of the
    class) - mean over classes``, scaled so that logits of vectors of the rows' mean length reach
    about :data:`_SCALE`; the bias is 0. A class without rows has weights of 0.
    """
    head = model.head[-1]
    assert isinstance(head, nn.Linear)
    vectors, labels = _read(model, rows)
    units = functional.normalize(vectors, dim=-1)
    sums = torch.zeros_like(head.weight).index_add_(0, labels, units)  # (columns, hidden)
    counts = torch.bincount(labels, minlength=len(sums)).unsqueeze(1)
    present = (counts > 0).float()
    centroids = sums / counts.clamp(min=1)
    centred = (centroids - centroids.sum(dim=0) / present.sum()) * present
    head.weight.copy_(_SCALE * functional.normalize(centred, dim=-1) / vectors.norm(dim=-1).mean())
    head.bias.zero_()


def _read(model: TextClassifier, rows: Sequence[EncodedRow]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled vectors (rows, hidden) and labels (rows,), by length."""
    data = EncodedRows(sorted(rows, key=lambda row: len(row.input_ids)))
    model.eval()
    vectors, labels = [], []
    for start in range(0, len(data), _READ_BATCH):
        stop = min(start + _READ_BATCH, len(data))
        batch = collate([data[place] for place in range(start, stop)])
        labels.append(batch.pop("labels"))
        vectors.append(model(**batch)["pooled"])
    model.train()
    return torch.cat(vectors), torch.cat(labels)
