"""What helps where there are few rows a class; for classification."""

from __future__ import annotations

from dataclasses import dataclass

from ml.allowed import POSITIVE, WITHIN_ONE, Allowed, Between, OneOf

FEW_SHOT = ("auto", "on", "off")
PSEUDO_BY = ("confidence", "propagation")
HEAD_STARTS = ("random", "centroids", "logistic")


ALLOWED: dict[str, Allowed] = {
    "few_shot": OneOf(FEW_SHOT),
    "head_start": OneOf(HEAD_STARTS),
    "pseudo_by": OneOf(PSEUDO_BY),
    "pseudo_error": WITHIN_ONE,
    "pseudo_per_class": POSITIVE,
    "memory": Between(0, 1, below=True),
    "memory_temperature": Between(0, 1, above=True),
}


@dataclass(frozen=True)
class FewShotSettings:
    """``few_shot`` "on" fits the settings that nobody gave to few rows
    (:mod:`ml.training.few_shot`); "auto" does so where there are few.

    ``head_start`` lets the head begin at the classes' "centroids", or as the "logistic" regression
    on the vectors of the encoder as it was, instead of at "random" weights; with ``label_names``
    the labels' names are rows of theirs to train on.

    In self-training by ``pseudo_by`` "confidence" a class gets at most ``pseudo_per_class`` of the
    unlabelled texts, and all that are taken have an expected share of wrong labels of
    ``pseudo_error`` at most; by "propagation" all of them get the label that spreads to them
    (:mod:`ml.training.propagation`).

    ``memory`` is the share that the rows which a classifier learned from have in its answers by
    their nearness to a text, and ``memory_temperature`` how near that is (:mod:`ml.models.memory`).
    One that learned from unlabelled texts too has none.
    """

    few_shot: str = "auto"
    head_start: str = "random"
    label_names: bool = False
    pseudo_by: str = "confidence"
    pseudo_error: float = 0.05
    pseudo_per_class: int = 50
    memory: float = 0.0
    memory_temperature: float = 0.05
