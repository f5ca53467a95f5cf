"""Learning from a handful of rows a class.

A plain run on so few rows takes too few steps, at too high a rate, from a head that knows nothing.
What helps: the head starts as a logistic regression on the frozen encoder's vectors, or at the
classes' centroids (Snell et al. 2017, "Prototypical Networks"), so that the run begins where a
frozen encoder ends; the names of the labels are rows too (as zero-shot search by label
descriptions uses them); a contrastive term pulls the encoder's vectors of a class together
(Tunstall et al. 2022, "SetFit", do so in a stage of its own), for which rows of a class stand
side by side in a batch; the steps are enough, at a lower rate; and the rows near a text have a say
in its label (:mod:`ml.models.memory`), since one direction a class is little to tell them by.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional

from ml.data.readers import LabelledText
from ml.models.classifier import ClassifierHead
from ml.training.datasets import EncodedRow, EncodedRows, collate, counted_by_text

_SCALE = 20.0
_C = 30.0
_MOST_ITERATIONS = 200
_READ_BATCH = 64
_LEAST_LETTERS = 3  # of a label's name; "A1" and "no" tell an encoder nothing


def label_rows(labels: Sequence[str]) -> list[LabelledText]:
    """The labels' names as texts of theirs, where they have words to read: three letters, or two
    characters of a script whose characters are syllables or words (Chinese, Japanese, Korean)."""
    names = ((label, label.replace("_", " ").replace("-", " ").strip()) for label in labels)
    return [LabelledText(name, label) for label, name in names if _letters(name) >= _LEAST_LETTERS]


def _letters(name: str) -> int:
    """The letters of a name; a wide one, which says as much as several, counts twice."""
    letters = (character for character in name if character.isalpha())
    return sum(2 if unicodedata.east_asian_width(letter) == "W" else 1 for letter in letters)


@torch.no_grad()
def start_head(
    classifier: ClassifierHead, model: nn.Module, rows: Sequence[EncodedRow], start: str
) -> None:
    """Set the classifier's head to what ``rows`` tell of the vectors as ``model`` pools them.

    "centroids": where nearest-centroid search ends. With c the means of a class's unit vectors at
    unit length, a class's weights are ``c - mean over classes``, so scaled that the logits of
    vectors of the rows' mean length lie :data:`_SCALE` times the cosines apart; the bias is 0.
    "logistic": a logistic regression on the unit vectors with L2 penalty 1 / (2 * :data:`_C`).
    A class without rows has weights of 0 (and the least bias of all). Texts count as they weigh,
    however many rows they are.
    """
    head = classifier.head[-1]
    assert isinstance(head, nn.Linear)
    by_length = sorted(counted_by_text(rows), key=lambda row: len(row.input_ids))
    vectors, labels = pooled_vectors(model, by_length)
    length = vectors.norm(dim=-1).mean()
    units = functional.normalize(vectors, dim=-1)
    find = _logistic if start == "logistic" else _centroids
    counts = torch.tensor([row.weight for row in by_length])
    weights, bias = find(units, labels, len(head.weight), counts)
    head.weight.copy_(weights / length)
    head.bias.copy_(bias)


def _centroids(
    units: Tensor, labels: Tensor, columns: int, counts: Tensor
) -> tuple[Tensor, Tensor]:
    """Weights (columns, hidden) and bias (columns,) for unit vectors that weigh ``counts``."""
    weighed = units * counts.unsqueeze(1)
    sums = units.new_zeros(columns, units.shape[1]).index_add_(0, labels, weighed)
    present = (torch.bincount(labels, minlength=columns).unsqueeze(1) > 0).float()
    centroids = functional.normalize(sums, dim=-1)
    # Centred after they are at unit length: the other way round, classes near the middle of all
    # would be drawn out to the length of the others, and win texts that are not theirs.
    centred = (centroids - centroids.sum(dim=0) / present.sum()) * present
    return _SCALE * centred, units.new_zeros(columns)


def _logistic(units: Tensor, labels: Tensor, columns: int, counts: Tensor) -> tuple[Tensor, Tensor]:
    """As :func:`_centroids`."""
    known = labels.unique().tolist()
    if len(known) < 2:
        return _centroids(units, labels, columns, counts)
    fit = LogisticRegression(C=_C, max_iter=_MOST_ITERATIONS)
    fit.fit(units.numpy(), labels.numpy(), sample_weight=counts.numpy())
    rows = torch.from_numpy(fit.coef_).float()
    offsets = torch.from_numpy(fit.intercept_).float()
    if len(known) == 2:  # there is one row of weights, for the second class
        rows, offsets = torch.cat([-rows, rows]) / 2, torch.cat([-offsets, offsets]) / 2
    weights = units.new_zeros(columns, units.shape[1])
    bias = units.new_full((columns,), offsets.min().item())
    weights[known], bias[known] = rows, offsets
    return weights, bias


@torch.no_grad()
def pooled_vectors(model: nn.Module, rows: Sequence[EncodedRow]) -> tuple[Tensor, Tensor]:
    """Vectors (rows, hidden) as ``model`` pools them and labels (rows,), in order."""
    data = EncodedRows(rows)
    model.eval()
    vectors, labels = [], []
    for start in range(0, len(data), _READ_BATCH):
        stop = min(start + _READ_BATCH, len(data))
        batch = collate([data[place] for place in range(start, stop)])
        labels.append(batch.pop("labels"))
        batch.pop("sample_weight", None)
        vectors.append(model(**batch)["pooled"])
    model.train()
    return torch.cat(vectors), torch.cat(labels)
