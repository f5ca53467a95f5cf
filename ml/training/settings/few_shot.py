"""What helps where there are few rows a class; for classification."""

from __future__ import annotations

from dataclasses import dataclass

FEW_SHOT = ("auto", "on", "off")
PSEUDO_BY = ("confidence", "propagation")
HEAD_STARTS = ("random", "centroids", "logistic")


@dataclass(frozen=True)
class FewShotSettings:
    """``few_shot`` "on" fits the settings that are left at their defaults to few rows
    (:mod:`ml.training.few_shot`); "auto" does so where there are few.

    ``head_start`` lets the head begin at the classes' "centroids", or as the "logistic" regression
    on the vectors of the encoder as it was, instead of at "random" weights; with ``label_names``
    the labels' names are rows of theirs to train on.

    In self-training by ``pseudo_by`` "confidence" a class gets at most ``pseudo_per_class`` of the
    unlabelled texts, and all that are taken have an expected share of wrong labels of
    ``pseudo_error`` at most; by "propagation" all of them get the label that spreads to them
    (:mod:`ml.training.propagation`).
    """

    few_shot: str = "auto"
    head_start: str = "random"
    label_names: bool = False
    pseudo_by: str = "confidence"
    pseudo_error: float = 0.05
    pseudo_per_class: int = 50

    def few_shot_checks(self) -> dict[str, bool]:
        """Whether each setting's value is allowed, by name."""
        return {
            "few_shot": self.few_shot in FEW_SHOT,
            "head_start": self.head_start in HEAD_STARTS,
            "pseudo_by": self.pseudo_by in PSEUDO_BY,
            "pseudo_error": 0 < self.pseudo_error < 1,
            "pseudo_per_class": self.pseudo_per_class > 0,
        }
