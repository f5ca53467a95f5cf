"""What a classifier's or tagger's loss is made of."""

from __future__ import annotations

from dataclasses import dataclass

LOSSES = ("cross_entropy", "focal", "crf")
CLASS_WEIGHTS = ("none", "inverse", "effective")


@dataclass(frozen=True)
class LossSettings:
    """``loss`` is one of ``LOSSES``; ``label_smoothing`` is that of the cross-entropy. ``crf``,
    for taggers, scores whole sequences of tags (:mod:`ml.models.chain`).

    ``focal_gamma`` is the focus of the focal loss (:mod:`ml.training.losses.focal`).
    ``class_weights`` weighs rare classes up (:mod:`ml.training.losses.class_weights`) by the
    inverse of their number of rows or of their effective number with ``effective_beta``.
    ``contrast`` is the share of the supervised contrastive term
    (:mod:`ml.training.losses.supervised_contrastive`) in the loss of texts, at
    ``contrast_temperature``, for which ``class_rows`` texts of a class are put side by side in a
    batch (0: batches hold texts of similar length); these and ``r_drop``, the weight of the
    agreement of two passes with different dropout (:mod:`ml.models.r_drop`, twice the time), are
    for classification.
    """

    loss: str = "cross_entropy"
    label_smoothing: float = 0.05
    focal_gamma: float = 2.0
    class_weights: str = "none"
    effective_beta: float = 0.999
    contrast: float = 0.0
    contrast_temperature: float = 0.1
    class_rows: int = 0
    r_drop: float = 0.0

    def loss_checks(self) -> dict[str, bool]:
        """Whether each setting's value is allowed, by name."""
        return {
            "loss": self.loss in LOSSES,
            "label_smoothing": 0 <= self.label_smoothing < 1,
            "focal_gamma": self.focal_gamma >= 0,
            "class_weights": self.class_weights in CLASS_WEIGHTS,
            "effective_beta": 0 <= self.effective_beta < 1,
            "contrast": 0 <= self.contrast < 1,
            "contrast_temperature": self.contrast_temperature > 0,
            "class_rows": self.class_rows == 0 or self.class_rows >= 2,
            "r_drop": self.r_drop >= 0,
        }
