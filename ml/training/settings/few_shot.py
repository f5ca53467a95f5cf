"""What helps where there are few rows a class; for classification."""

from __future__ import annotations

from dataclasses import dataclass

FEW_SHOT = ("auto", "on", "off")
HEAD_STARTS = ("random", "centroids", "logistic")


@dataclass(frozen=True)
class FewShotSettings:
    """``few_shot`` "on" fits the settings that are left at their defaults to few rows
    (:mod:`ml.training.few_shot`); "auto" does so where there are few.

    ``head_start`` lets the head begin at the classes' "centroids", or as the "logistic" regression
    on the vectors of the encoder as it was, instead of at "random" weights; with ``label_names`` the labels' names are rows of theirs to train on.
    """

    few_shot: str = "auto"
    head_start: str = "random"
    label_names: bool = False

    def few_shot_checks(self) -> dict[str, bool]:
        """Whether each setting's value is allowed, by name."""
        return {"few_shot": self.few_shot in FEW_SHOT, "head_start": self.head_start in HEAD_STARTS}
