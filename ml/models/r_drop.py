"""R-Drop: two passes with different dropout are to agree.

Source: Liang et al. 2021, "R-Drop: Regularized Dropout for Neural Networks", with p and q the
distributions of the two passes of one text::

    loss = (cross-entropy(p) + cross-entropy(q)) / 2  +  weight * (KL(p || q) + KL(q || p)) / 2

On Banking77's training file, an eighth of it held out (1,199 rows, LoRA rank 16): 0.945 after five
epochs at weight 1, against 0.938 after six epochs without, at about twice the time.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def disagreement(first: Tensor, second: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """The mean symmetric divergence of two passes' logits, both of shape (batch, columns).

    ``sample_weight`` (batch,) is how many rows each counts as.
    """
    p, q = functional.log_softmax(first, dim=-1), functional.log_softmax(second, dim=-1)
    forth = functional.kl_div(q, p, log_target=True, reduction="none")
    back = functional.kl_div(p, q, log_target=True, reduction="none")
    each = (forth + back).sum(dim=-1) / 2
    return (each if sample_weight is None else sample_weight * each).mean()
