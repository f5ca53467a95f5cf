"""A reader's taste as a sum of parts, one for each thing in the history.

The score of an item is::

    sum over the history h of  weight(h) * affinity(h, item)  +  prior(item) * sum of |weight(h)|

with ``weight = strength * fading`` and ``affinity = behaviour + text * relu(cosine) ** power +
mean * cosine + tags * shared tags``. The power makes it an attention over the history: an item very
like one thing of the past beats one a little like everything, so that several interests stay
several (one mean vector alone foresaw a tenth as well on public film ratings). ``behaviour`` is
what readers liked together and after each other; an item without readers borrows it from items like
it. Because the score is a sum, every part of it can be shown and taken away.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ml.ranking.attending import Attending
from ml.ranking.behaviour import LINKED, Behaviour
from ml.ranking.folding import Folding
from ml.ranking.history import History
from ml.ranking.interactions import IntArray
from ml.ranking.learned import followed, learned_of, without_readers
from ml.ranking.linking import linked_matrix, linked_sum, own_sum
from ml.ranking.selection import best
from ml.ranking.settings import TasteSettings
from ml.ranking.tags import TagTable
from ml.ranking.texts import Texts, texts_of
from ml.ranking.weighing import REJECTED, faded, raised
from ml.types import FloatArray

SHORT = 5
"""The deeds up to which a history is a newcomer's, with weights of its own."""
LEND, VYING = 4.0, 500
"""What is lent to new items where they vie with each other alone, and how many do."""


class Ranker:
    """Scores a catalogue for readers. Thread-safe; numpy only. What it is asked changes nothing;
    :meth:`followed` and :meth:`taught` make others that share what stays.

    ``vectors``: the items' text vectors, shape (items, dimensions), zero rows for none; ``tags``:
    the tags of each item; ``behaviour``: what readers' deeds say, if there are enough of them;
    ``popularity``: any count that grows with it, shape (items,); ``settings``: by default those
    that were fitted with the behaviour, which may be others for histories of up to :data:`SHORT`.
    """

    def __init__(
        self,
        vectors: FloatArray,
        *,
        tags: Sequence[Sequence[str]] | TagTable | None = None,
        behaviour: Behaviour | None = None,
        popularity: FloatArray | None = None,
        settings: TasteSettings | None = None,
    ) -> None:
        self._texts = texts_of(vectors)
        self._table = tags if isinstance(tags, TagTable | None) else TagTable(tags)
        self._teach(behaviour, popularity, settings)

    def _teach(
        self,
        behaviour: Behaviour | None,
        popularity: FloatArray | None,
        settings: TasteSettings | None,
    ) -> None:
        self.settings = settings or (behaviour.settings if behaviour else TasteSettings())
        self._tags = self._table if self.settings.tags else None
        self._behaviour = behaviour
        self._learned = learned_of(behaviour, self.settings, self.vectors, self._table)
        self.prior = self._prior(popularity)
        self._newcomers: Ranker | None = None
        if behaviour is not None and behaviour.newcomers is not None and settings is None:
            self._newcomers = copy.copy(self)
            self._newcomers._teach(behaviour, popularity, behaviour.newcomers)

    def taught(self, behaviour: Behaviour | None) -> Ranker:
        """The ranker of the same items with what another ``behaviour`` says, without a prior."""
        other = copy.copy(self)
        other._teach(behaviour, None, None)
        return other

    def followed(
        self, items: IntArray, vectors: FloatArray, tags: Sequence[Sequence[str]]
    ) -> Ranker:
        """The ranker of the catalogue in which ``items``, in ascending order, have these texts,
        shape (items, dimensions), and ``tags``; new ones come at the end. Without a prior.

        Only these are reckoned anew, and what stays is shared: a reckoning under way with this
        ranker may see an item's new text (:class:`~ml.growing.GrowingArray`).
        """
        texts = self._texts.followed(items, vectors)
        table = self._table.changed(items, tags) if self._table is not None else None
        return self._following(items, texts, table)

    def _following(self, items: IntArray, texts: Texts, table: TagTable | None) -> Ranker:
        other = copy.copy(self)
        other._texts, other._table = texts, table
        other._tags = table if self.settings.tags else None
        other._learned = followed(
            self._learned, self._behaviour, self.settings, texts.vectors, table, items
        )
        other.prior = other._prior(None)
        if self._newcomers is not None:
            other._newcomers = self._newcomers._following(items, texts, table)
        return other

    @property
    def vectors(self) -> FloatArray:
        """The items' centred texts, shape (items, dimensions)."""
        return self._texts.vectors

    def __len__(self) -> int:
        return len(self.vectors)

    def scores(self, history: History) -> FloatArray:
        """The score of every item, shape (items,)."""
        if not len(history):
            return self.prior.copy()
        return self.scores_of(history, None)

    def scores_of(self, history: History, items: IntArray | None) -> FloatArray:
        """The scores of ``items`` (all, when ``None``) for a reader with a history.

        Shape (items,). The same as the sum of :meth:`contributions`, without the parts of each deed
        where the sum is had more cheaply.
        """
        if self._newcomers is not None and len(history) <= SHORT:
            return self._newcomers.scores_of(history, items)
        chosen: IntArray | slice = slice(None) if items is None else items
        weights = self._weights(history.strengths)
        parts = self._texts.summed(history, weights, self.settings, items)
        if self._tags is not None:
            parts += self.settings.tags * self._tags.summed(history.items, weights, items)
        if self._behaviour is not None:
            own = history.items
            parts += linked_sum(self._behaviour, self.settings, own, weights, len(self), items)
        total = np.abs(weights).sum()
        for weights_of, learned in self._learned:
            parts += total * weights_of[chosen] * learned.scores(history, items)
        return (parts + self.prior[chosen] * total).astype(np.float32)

    def worth_scoring(
        self,
        history: History,
        *,
        wanted: NDArray[np.bool_] | None = None,
        groups: Sequence[NDArray[np.bool_]] = (),
        near: IntArray | None = None,
    ) -> IntArray | None:
        """The items of a large catalogue that may be among the best, in its order.

        Of the ``wanted`` ones, with the best of each of ``groups`` among them; all of shape
        (items,). ``near``: those with texts near to the history's, where they are known already.
        ``None``: all items, in a catalogue without a shortlist or for an empty history.
        """
        if self._texts.shortlist is None or not len(history):
            return None
        weights = self._weights(history.strengths)
        return self._texts.shortlist.pick(
            history.items, weights, self._behaviour, wanted=wanted, groups=groups, near=near
        )

    def vying(self, history: History, scores: FloatArray, new: NDArray[np.bool_]) -> FloatArray:
        """By what ``new`` items vie with each other for the places that are kept for them.

        ``scores`` and ``new`` have shape (items,), as has the result, which is ``-inf`` for all but
        the best :data:`VYING` new ones. :data:`LEND` is lent for it: as much in the score itself
        would put new items before proven ones, here nobody else is set back by it.
        """
        if self._newcomers is not None and len(history) <= SHORT:
            return self._newcomers.vying(history, scores, new)
        found = np.full(len(self), -np.inf, dtype=np.float32)
        chosen = best(np.where(new, scores, -np.inf), VYING)
        found[chosen] = scores[chosen]
        more = LEND - self.settings.lend
        if self._behaviour is None or more <= 0 or not len(history):
            return found
        lending, weights = self._behaviour.lending, self._weights(history.strengths)
        borrows, borrowers = lending.among(chosen)
        lenders = lending.lenders[borrowers]
        known = own_sum(self._behaviour, self.settings, history.items, weights, len(self))
        asked = np.unique(lenders).astype(np.int64)
        for weights_of, learned in self._learned:
            if isinstance(learned, Folding):
                given = learned.contributions(history, asked).sum(axis=0)
                known[asked] += np.abs(weights).sum() * weights_of[asked] * given
        found[chosen[borrows]] += more * (known[lenders] * lending.weights[borrowers]).sum(axis=1)
        return found

    def contributions(self, history: History, items: IntArray) -> FloatArray:
        """What each deed gives to each of ``items``, shape (deeds, items), the prior's share in it.

        Their sum over the deeds is the score (of a reader with a history).
        """
        if self._newcomers is not None and len(history) <= SHORT:
            return self._newcomers.contributions(history, items)
        weights = self._weights(history.strengths)
        parts = weights[:, None] * self._affinities(history, items)
        parts += np.abs(weights)[:, None] * self.prior[items]
        for weights_of, learned in self._learned:
            given = learned.contributions(history, items)
            parts += np.abs(weights).sum() * weights_of[items] * given
        return parts.astype(np.float32)

    def removal_effects(self, history: History, items: IntArray) -> FloatArray:
        """How much lower the score of each of ``items`` would be without each deed.

        Shape (deeds, items). Exact: without a deed the older ones fade less.
        """
        deeds = len(history)
        if self._newcomers is not None and deeds <= SHORT + 1:
            return self._effects_at_the_border(history, items)
        affinity = self._affinities(history, items)
        without = np.zeros((deeds, deeds), dtype=np.float32)
        for index in range(deeds):
            rest = self._weights(np.delete(history.strengths, index))
            without[index] = np.insert(rest, index, 0.0)
        whole = self._weights(history.strengths)
        effects = whole @ affinity - without @ affinity
        if self.prior.any():
            lost = np.abs(whole).sum() - np.abs(without).sum(axis=1)
            if deeds == 1:  # of nobody's history the prior is all that there is
                lost -= 1.0
            effects += lost[:, None] * self.prior[items]
        for weights_of, learned in self._learned:
            now, left = learned.with_and_without(history, items)
            sums = np.abs(without).sum(axis=1)[:, None]
            effects += weights_of[items] * (np.abs(whole).sum() * now - sums * left)
        return np.asarray(effects, dtype=np.float32)

    def _effects_at_the_border(self, history: History, items: IntArray) -> FloatArray:
        """The effects where a history is short or becomes so without a deed."""
        if self._newcomers is not None and len(history) <= SHORT:
            return self._newcomers.removal_effects(history, items)
        whole = self.contributions(history, items).sum(axis=0)
        rests = [
            self.contributions(history.without(at), items).sum(axis=0) for at in range(len(history))
        ]
        return np.asarray(whole - np.stack(rests), dtype=np.float32)

    def because(self, history: History, items: IntArray) -> list[int | None]:
        """For each item the deed whose absence would lower its score most: "because you saved X".

        ``None`` where no deed speaks for the item.
        """
        if not len(history):
            return [None] * len(items)
        effects = self.removal_effects(history, items)
        strongest = effects.argmax(axis=0)
        return [
            int(deed) if effects[deed, column] > 0 else None
            for column, deed in enumerate(strongest)
        ]

    def components(
        self, history: History, fadings: Sequence[tuple[float, float]]
    ) -> list[dict[str, FloatArray]]:
        """The parts of the score before their weights, each of shape (items,), for tuning.

        One set for each of ``fadings`` with its ``low`` (instead of the settings'). The links come
        with what is borrowed of them, named ``lent_likes`` and so on; ``fixed`` is the push of what
        was rejected.
        """
        cosines = self.vectors[history.items] @ self.vectors.T
        alike = np.maximum(cosines, 0.0)
        rows = {
            "text": raised(alike, self.settings.power),
            "mean": cosines,
            "fixed": self._push(history, alike),
        }
        if self._tags is not None:
            rows["tags"] = self._tags.rows(history.items)
        if self._behaviour is not None:
            for name in LINKED:
                rows[name] = getattr(self._behaviour, name).rows(history.items, len(self))
        learned = {
            "next" if isinstance(part, Attending) else "factors": part.scores(history)
            for _, part in self._learned
        }
        return [self._faded(rows, learned, history, fading) for fading in fadings]

    def _faded(
        self,
        rows: Mapping[str, FloatArray],
        learned: Mapping[str, FloatArray],
        history: History,
        fading: tuple[float, float],
    ) -> dict[str, FloatArray]:
        half, low = fading
        weights = faded(history.strengths, half, self.settings.least_half_life, low)
        total = np.abs(weights).sum()
        found = {name: weights @ of for name, of in rows.items()}
        found["popularity"] = self.prior / (self.settings.popularity or 1.0) * total
        found |= {name: total * scores for name, scores in learned.items()}
        if "next" in found:
            found["fresh"] = np.where(
                without_readers(self._behaviour, len(self)), found["next"], 0.0
            )
        if self._behaviour is not None:
            for name in (*LINKED, *(found.keys() & {"factors"})):
                lent = np.zeros_like(found[name])
                lent[self._behaviour.lending.borrowers] = self._behaviour.lending.of(found[name])
                found[f"lent_{name}"] = lent
        return {name: np.asarray(values, dtype=np.float32) for name, values in found.items()}

    def _weights(self, strengths: FloatArray) -> FloatArray:
        own = self.settings
        return faded(strengths, own.fading, own.least_half_life, own.low)

    def _affinities(self, history: History, items: IntArray) -> FloatArray:
        """How much each deed's item speaks for ``items``, shape (deeds, items)."""
        affinity = self._by_content(history, items)
        if self._behaviour is None:
            return affinity
        affinity += linked_matrix(self._behaviour, self.settings, history.items, items, len(self))
        return affinity

    def _by_content(self, history: History, items: IntArray) -> FloatArray:
        """What texts and tags say: each deed's item for ``items``."""
        affinity = self._by_text(history, items)
        if self._tags is not None:
            affinity += self.settings.tags * self._tags.rows(history.items, items)
        return affinity

    def _by_text(self, history: History, items: IntArray) -> FloatArray:
        """What texts say: each deed's item for ``items``."""
        cosines = self.vectors[history.items] @ self.vectors[items].T
        alike = np.maximum(cosines, 0.0)
        affinity = self.settings.text * raised(alike, self.settings.power)
        affinity += self.settings.mean * cosines
        affinity += self._push(history, alike)
        return np.asarray(affinity, dtype=np.float32)

    def _push(self, history: History, alike: FloatArray) -> FloatArray:
        """What a rejected item adds to its negative weight, for items whose texts are like it."""
        push = np.zeros_like(alike)
        rejected = np.flatnonzero(history.strengths <= REJECTED)
        push[rejected] = self.settings.push * alike[rejected] ** 2
        return push

    def _prior(self, popularity: FloatArray | None) -> FloatArray:
        most = float(popularity.max(initial=0.0)) if popularity is not None else 0.0
        if popularity is None or most <= 0:
            return np.zeros(len(self.vectors), dtype=np.float32)
        prior = self.settings.popularity * np.log1p(popularity) / np.log1p(most)
        return np.asarray(prior, dtype=np.float32)
