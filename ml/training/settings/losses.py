"""What a classifier's or tagger's loss is made of."""

from __future__ import annotations

from dataclasses import dataclass

from ml.allowed import BELOW_ONE, FROM_ZERO, POSITIVE, Allowed, OneOf

LOSSES = ("cross_entropy", "focal", "crf")
CLASS_WEIGHTS = ("none", "inverse", "effective")


ALLOWED: dict[str, Allowed] = {
    "loss": OneOf(LOSSES),
    "label_smoothing": BELOW_ONE,
    "focal_gamma": FROM_ZERO,
    "class_weights": OneOf(CLASS_WEIGHTS),
    "effective_beta": BELOW_ONE,
    "contrast": BELOW_ONE,
    "contrast_temperature": POSITIVE,
    "class_rows": FROM_ZERO,
    "r_drop": FROM_ZERO,
}


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
