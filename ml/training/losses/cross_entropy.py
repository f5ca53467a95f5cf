"""Cross-entropy with label smoothing, class weights and weights of rows."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from ml.models.tagger import IGNORED


class CrossEntropyLoss(nn.Module):
    """``-sum_c q_c log p_c`` with ``q = (1 - smoothing) onehot + smoothing / columns``.

    Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7. With ``weights``, of
    shape (columns,), a class counts ``weights[c]`` times and the sum is divided by the weights of
    the rows' classes. As torch computes it, under the name that the other losses here go by.
    """

    weights: Tensor | None

    def __init__(self, *, label_smoothing: float = 0.0, weights: Tensor | None = None) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing
        # Not part of the stored model: a classifier without it answers the same.
        self.register_buffer("weights", weights, persistent=False)

    def forward(
        self, logits: Tensor, labels: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """The mean, a scalar; ``logits`` (rows, columns), ``labels`` (rows,) or ``IGNORED``.

        With ``sample_weight`` (rows,) a row's loss counts so many times; the sum is divided as
        without, so that weights of mean 1 over all rows change no step's expected size.
        """
        each = functional.cross_entropy(
            logits,
            labels,
            self.weights,
            ignore_index=IGNORED,
            label_smoothing=self.label_smoothing,
            reduction="mean" if sample_weight is None else "none",
        )
        if sample_weight is None:
            return each
        known = labels[labels != IGNORED]
        number = len(known) if self.weights is None else self.weights[known].sum()
        return (sample_weight * each).sum() / number
