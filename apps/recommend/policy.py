"""What the team wants of a page, worked into a reader's ranking: rules and an experiment's arm.

Independent of the database. Hidden items leave the ranking; a boost is a part of the score with
the rule's name, so it is shown and explained like any other; caps thin out a row; pins go last, to
their place in the page's first row. Nothing brings back what a reader refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from apps.recommend.index import Entry, Snapshot
from apps.recommend.scoring import Ranked, Reason

BOOST_UNIT = 0.04
"""A boost of 1 in the ranker's unit: about what one similar saved item adds."""
CAPPED_POOL = 4
"""With caps, a row is chosen from so many times its length, so that it stays full."""


@dataclass(frozen=True, slots=True, eq=False)
class Ruling:
    """A rule in force with the items that it fits, shape (items,)."""

    rule_id: int
    name: str
    action: str
    fits: NDArray[np.bool_]
    amount: float = 0.0
    per: str = ""


@dataclass(frozen=True, slots=True)
class Arm:
    """How an experiment's arm sets the page; the defaults change nothing."""

    rules: bool = True
    familiarity: float = 0.0
    diversity: float | None = None
    exploration: float = 0.0

    def dial(self, own: float) -> float:
        """The reader's ``own`` dial from surprising to familiar, moved by the arm's."""
        return min(max(own + self.familiarity, -1.0), 1.0) if self.familiarity else own


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """The rulings that count for one reader, first things first, and what the arms set."""

    rulings: tuple[Ruling, ...] = ()
    arm: Arm = Arm()
    seed: int = 0
    arms: tuple[tuple[int, str], ...] = ()
    """The reader's arm in each running experiment: the experiment's id and the arm's name."""

    @property
    def is_capped(self) -> bool:
        return any(ruling.action == "cap" for ruling in self.rulings)

    def applied(self, ranked: Ranked) -> Ranked:
        """``ranked`` without what is hidden, with what is moved up or down."""
        eligible, scores, stated = self.open_of(ranked.eligible), ranked.scores, list(ranked.stated)
        for ruling in self.rulings:
            if ruling.action == "boost":
                amounts = (BOOST_UNIT * ruling.amount * ruling.fits).astype(np.float32)
                stated.append((Reason("rule", words=ruling.name), amounts))
                scores = scores + amounts
        return replace(ranked, eligible=eligible, scores=scores, stated=tuple(stated))

    def open_of(self, eligible: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """``eligible`` without what is hidden."""
        for ruling in self.rulings:
            if ruling.action == "hide":
                eligible = eligible & ~ruling.fits
        return eligible

    def lifted(self) -> list[NDArray[np.bool_]]:
        """What each rule that moves items up is about, shape (items,) each."""
        return [
            ruling.fits for ruling in self.rulings if ruling.action == "boost" and ruling.amount > 0
        ]

    def hides(self, position: int) -> bool:
        return any(ruling.action == "hide" and ruling.fits[position] for ruling in self.rulings)

    def pins(self, eligible: NDArray[np.bool_]) -> dict[int, Ruling]:
        """The items to pin, each with its rule, in the order of their places."""
        pinned: dict[int, Ruling] = {}
        for ruling in self.rulings:
            if ruling.action == "pin":
                for position in np.flatnonzero(ruling.fits & eligible):
                    pinned.setdefault(int(position), ruling)
                    break
        return dict(sorted(pinned.items(), key=lambda pin: pin[1].amount))

    def kept(
        self, positions: Iterable[int], snapshot: Snapshot, *, about: str = "", most: int = 0
    ) -> list[int]:
        """``positions`` without those that a cap leaves out, the first ``most`` of them.

        ``about`` is the tag or author that the row is about, which no cap counts.
        """
        caps = [ruling for ruling in self.rulings if ruling.action == "cap"]
        counts = [Counter[str]() for _ in caps]
        kept: list[int] = []
        for position in positions:
            names = [
                _names(snapshot.entries[position], ruling) - {about}
                if ruling.fits[position]
                else ()
                for ruling in caps
            ]
            if any(
                counts[at][name] >= caps[at].amount
                for at, held in enumerate(names)
                for name in held
            ):
                continue
            for at, held in enumerate(names):
                counts[at].update(held)
            kept.append(int(position))
            if most and len(kept) == most:
                break
        return kept

    def touching(self, position: int) -> list[Ruling]:
        """The rulings that are about an item."""
        return [ruling for ruling in self.rulings if ruling.fits[position]]


NO_POLICY = Policy()


def _names(entry: Entry, ruling: Ruling) -> set[str]:
    return set(entry.authors if ruling.per == "author" else entry.tags)


def explored(
    chosen: Sequence[int], pool: Sequence[int], *, share: float, seed: int
) -> tuple[list[int], list[float]]:
    """``chosen`` with a ``share`` of its places given to others of ``pool`` at random.

    Epsilon-greedy by place (Sutton and Barto, 2.2). Returns the items and, for each, the chance
    that its place shows just this one given the places before it. The same ``seed`` gives the same
    page, so that a reader's page does not change by itself.
    """
    random = np.random.default_rng(seed)
    rest = [item for item in pool if item not in set(chosen)]
    shown, chances = list(chosen), []
    for place in range(len(shown)):
        if not rest:
            chances.append(1.0)
        elif random.random() < share:
            chances.append(share / len(rest))
            shown[place] = rest.pop(int(random.integers(len(rest))))
        else:
            chances.append(1.0 - share)
    return shown, chances
