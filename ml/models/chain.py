"""A linear-chain conditional random field over the tags of a sentence's words.

Source: Lafferty, McCallum and Pereira 2001, "Conditional Random Fields: Probabilistic Models for
Segmenting and Labeling Sequence Data"; as the last layer of a tagger: Lample et al. 2016, "Neural
Architectures for Named Entity Recognition". With logits s, and A the scores of one tag behind
another::

    score(y) = start[y1] + sum over words (s[i, yi] + A[yi-1, yi]) + end[yn]
    loss     = log of the sum of exp(score) over all sequences  -  score(gold)

The sum runs over all sequences by the forward algorithm. Which sequences are valid BIO is not
learned but enforced when decoding (:mod:`ml.evaluation.chain`, in numpy).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LinearChain(nn.Module):
    """Learned scores of the tags' order, and the loss of a batch of sentences."""

    def __init__(self, tags: int, *, ignored: int) -> None:
        super().__init__()
        self.ignored = ignored
        self.start = nn.Parameter(torch.zeros(tags))
        self.follow = nn.Parameter(torch.zeros(tags, tags))
        self.end = nn.Parameter(torch.zeros(tags))

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a word, a scalar.

        ``logits`` (batch, tokens, tags); ``labels`` (batch, tokens), ``ignored`` at tokens that
        begin no word, which are no part of the sequence.
        """
        logits, labels, known = self._words_only(logits, labels)
        gap = self._log_sum(logits, known) - self._score(logits, labels, known)
        return gap.sum() / known.sum().clamp(min=1)

    def _words_only(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The tokens that begin words, moved to the front: (batch, words, ...) and which are."""
        known = labels != self.ignored
        words = max(1, int(known.sum(dim=1).max()))
        order = (~known).to(torch.int8).argsort(dim=1, stable=True)[:, :words]
        logits = logits.gather(1, order.unsqueeze(-1).expand(-1, -1, logits.shape[-1]))
        known = known.gather(1, order)
        return logits, labels.gather(1, order).masked_fill(~known, 0), known

    def _score(self, logits: Tensor, labels: Tensor, known: Tensor) -> Tensor:
        """The scores of the gold sequences, (batch,)."""
        emitted = logits.gather(2, labels.unsqueeze(-1)).squeeze(-1) * known
        moved = self.follow[labels[:, :-1], labels[:, 1:]] * known[:, 1:]
        last = labels.gather(1, (known.sum(dim=1, keepdim=True) - 1).clamp(min=0)).squeeze(1)
        ends = (self.start[labels[:, 0]] + self.end[last]) * known[:, 0]
        return emitted.sum(dim=1) + moved.sum(dim=1) + ends

    def _log_sum(self, logits: Tensor, known: Tensor) -> Tensor:
        """The logarithm of the sum over all sequences, (batch,); 0 for sentences of no words."""
        score = self.start + logits[:, 0]
        for word in range(1, logits.shape[1]):
            after = (score.unsqueeze(2) + self.follow).logsumexp(dim=1) + logits[:, word]
            score = torch.where(known[:, word : word + 1], after, score)
        return (score + self.end).logsumexp(dim=1) * known[:, 0]
