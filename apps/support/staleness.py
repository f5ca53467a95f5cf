"""When an article is stale: by what became of the conversations in which the bot cited it.

Only what happened since its last change speaks against an article. No database in here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ml.evaluation.wilson import wilson

PERIOD = timedelta(days=180)
"""How far back citations are looked at."""
RECENT = timedelta(days=45)
"""What is held against the time before it, in the period."""
UNTOUCHED, FELL, CORRECTED = "untouched", "helps less", "corrected"
LEAST_RATINGS = 5
LEAST_CORRECTIONS = 3
CORRECTED_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Cited:
    """A conversation in which an article was cited, and whether the customer says that it
    helped."""

    at: datetime
    helped: bool | None


@dataclass(slots=True)
class Evidence:
    """What is known of an article since it was changed last."""

    changed_at: datetime
    cited: list[Cited] = field(default_factory=list)
    corrected: int = 0


def signs_of(evidence: Evidence, *, now: datetime, months: int) -> list[str]:
    """Why the article is stale, empty while it is not.

    ``untouched``: cited lately, and not changed for ``months``. ``helps less``: of the recent
    ratings surely more say that it did not help than of those before (the 95% interval of the
    recent share lies above the earlier one), or than half where none were before. ``corrected``:
    operators said of several messages, and of a fifth of those that it was cited for, that another
    article answers them, or none.
    """
    signs = []
    recent = [one for one in evidence.cited if one.at >= now - RECENT]
    if recent and evidence.changed_at < now - timedelta(days=30 * months):
        signs.append(UNTOUCHED)
    if _fell(recent, [one for one in evidence.cited if one.at < now - RECENT]):
        signs.append(FELL)
    enough = max(LEAST_CORRECTIONS, CORRECTED_SHARE * len(evidence.cited))
    if evidence.corrected >= enough:
        signs.append(CORRECTED)
    return signs


def _fell(recent: Sequence[Cited], before: Sequence[Cited]) -> bool:
    now = [one.helped for one in recent if one.helped is not None]
    then = [one.helped for one in before if one.helped is not None]
    if len(now) < LEAST_RATINGS:
        return False
    usual = then.count(False) / len(then) if len(then) >= LEAST_RATINGS else 0.5
    return wilson(now.count(False), len(now))[0] > usual
