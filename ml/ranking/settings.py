"""What the parts of a score weigh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TasteSettings:
    """Weights of the score, in the unit of the behaviour links, which weigh 1.

    The defaults were found on public film ratings; :func:`ml.ranking.tuning.tune` fits them to a
    catalogue's own readers.

    ``likes``: links of what is liked together (EASE), the unit. ``follows``: links in the order of
    reading. ``near``: cosines of items' readers. ``factors``: the fit by matrix factors (iALS) and
    ``next``: the attention over the latest likes, both times the sum of the history's weights;
    ``fresh``: the latter again, for items without readers alone. ``text``: cosines of texts to the
    ``power``, an attention over the history; ``mean``: cosines as they are, which is the closeness
    to the mean of the history. ``tags``: shared tags. ``popularity``: the prior, a share of the sum
    of the history's weights. ``lend``: what an item without readers borrows from the scores of
    those like it. ``fading``: the history's share (from the newest) over which a deed's weight
    halves, but never fewer than ``least_half_life`` deeds. ``low``: what a low rating counts, as a
    share of its strength: where it says nothing of taste, 0. ``push``: how much a rejected item
    takes from those whose texts are like it, in addition to its negative strength.
    """

    likes: float = 1.0
    follows: float = 0.4
    near: float = 0.0
    factors: float = 0.0
    next: float = 0.0
    fresh: float = 0.0
    text: float = 0.16
    power: float = 4.0
    mean: float = 0.02
    tags: float = 0.0025
    popularity: float = 0.002
    lend: float = 4.0
    fading: float = 0.35
    least_half_life: float = 5.0
    low: float = 1.0
    push: float = 0.5
