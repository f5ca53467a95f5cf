"""Chooses the thresholds of detection by how often chance alone would reach them.

The archive's stories are dealt anew among the companies, which keeps how many each has and when
there was much news, but takes away everything that is special to a company. What is found there
is a false alarm. Touches no database.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from apps.market.detection import BURST, DIVERGENCE, KINDS, RARE, SHIFT, Story, Watcher

GRIDS: dict[str, tuple[float, ...]] = {
    BURST: (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0),
    SHIFT: (2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0),
    DIVERGENCE: (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
    RARE: (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0),
}
DEALS = 10
WANTED = 0.1
"""False alarms of a kind for each company in 30 days that are accepted unless told otherwise."""

LEAST_STORIES = 200


@dataclass(frozen=True, slots=True)
class Tuned:
    """A threshold; findings a company and 30 days on the archive, and by chance alone.

    ``reached`` is false when even the highest threshold has more false alarms than wanted.
    """

    kind: str
    threshold: float
    found: float
    false_alarms: float
    reached: bool


def tune(stories: Sequence[Story], *, wanted: float = WANTED, seed: int = 1) -> list[Tuned]:
    """The least threshold of each kind with at most ``wanted`` false alarms.

    ``stories`` are in the order of their time. Raises ``ValueError`` for fewer than
    ``LEAST_STORIES``.
    """
    if len(stories) < LEAST_STORIES:
        raise ValueError(
            f"there are {len(stories)} stories about companies; at least {LEAST_STORIES} are needed"
        )
    months = _company_months(stories)
    dealt = [_deal(stories, random.Random(seed + number)) for number in range(DEALS)]  # noqa: S311
    chance = [_counts(archive) for archive in dealt]
    found = _counts(stories)
    tuned = []
    for kind in KINDS:
        rates = [sum(c[kind][step] for c in chance) / DEALS / months for step in range(_STEPS)]
        step = next((n for n, rate in enumerate(rates) if rate <= wanted), _STEPS - 1)
        tuned.append(
            Tuned(
                kind,
                GRIDS[kind][step],
                round(found[kind][step] / months, 4),
                round(rates[step], 4),
                rates[step] <= wanted,
            )
        )
    return tuned


_STEPS = len(GRIDS[BURST])


def _counts(stories: Sequence[Story]) -> dict[str, list[int]]:
    """How many findings each kind makes at each threshold of its grid."""
    counts: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for step in range(_STEPS):
        found = Watcher({kind: GRIDS[kind][step] for kind in KINDS}).watch(stories)
        for kind in KINDS:
            counts[kind].append(sum(finding.kind == kind for finding in found))
    return counts


def _deal(stories: Sequence[Story], chance: random.Random) -> list[Story]:
    """The same stories at the same times, of companies drawn anew."""
    owners = [(story.company_id, story.sector) for story in stories]
    chance.shuffle(owners)
    return [
        replace(story, company_id=company, sector=sector)
        for story, (company, sector) in zip(stories, owners, strict=True)
    ]


def _company_months(stories: Sequence[Story]) -> float:
    """Companies with news times the length of the archive in units of 30 days."""
    companies = len({story.company_id for story in stories})
    days = max(1.0, (stories[-1].at - stories[0].at).total_seconds() / 86_400)
    return companies * days / 30
