"""One verdict from several: the headline's, weighed against that of the text below it.

The models were trained on headlines and short posts. On the demo archive the headline alone gets
the sentiment of 82 articles in 100 right, headline and body read as one text 64, and the two read
apart and weighed 8 to 2 82 as well, while a vague headline no longer decides alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ml.types import Classification, ScoredLabel

SURE = 0.6
"""The least probability of a label that is shown as a verdict; below it the news is unsure.

The models' own accept threshold aims at 95 right in 100 and would leave more than half of the
news unsure. The probability stands beside each verdict, and rules have thresholds of their own.
"""

SENTIMENT_HEADLINE = 0.8
TOPIC_HEADLINE = 0.7


def pool(
    headline: Classification, below: Sequence[Classification], *, weight: float
) -> Classification:
    """The mean of ``headline`` (``weight``) and ``below`` (the rest, shared out evenly)."""
    if not below:
        return headline
    total: dict[str, float] = defaultdict(float)
    share = (1 - weight) / len(below)
    for part, factor in ((headline, weight), *((part, share) for part in below)):
        for scored in part.scores:
            total[scored.label] += factor * scored.score
    scores = sorted(total.items(), key=lambda item: -item[1])
    return Classification(
        scores=tuple(ScoredLabel(label, score) for label, score in scores),
        out_of_scope=headline.out_of_scope,
        in_scope=headline.in_scope,
        confident=scores[0][1] >= SURE,
        version=headline.version,
    )
