"""The conditions of a rule that ask about companies or words; touches no database."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from apps.market.models import Rule

MAX_PHRASES = 10
SHORTEST, LONGEST = 2, 60


class Stage(Enum):
    """When enough is known of an article for a rule to be matched."""

    SCORED = "scored"
    READ = "read for its meaning"
    UNUSUAL = "found to be unusual"


def stage_of(rule: Rule) -> Stage:
    if rule.anomaly:
        return Stage.UNUSUAL
    return Stage.READ if rule.meaning else Stage.SCORED


@dataclass(frozen=True, slots=True)
class Circles:
    """The sector of each company, and the companies that each owner of a rule watches."""

    sectors: Mapping[int, str] = field(default_factory=dict)
    watched: Mapping[int, Set[int]] = field(default_factory=dict)

    def hold(self, rule: Rule, company_id: int | None) -> bool:
        """Whether a company is in the sector and on the watchlist that ``rule`` asks for."""
        if rule.sector and self.sectors.get(company_id or 0) != rule.sector:
            return False
        return not rule.watched or company_id in self.watched.get(rule.owner_id, ())


def phrases_of(words: str) -> list[str]:
    """The phrases between commas, in small letters with single spaces, each once."""
    found = (" ".join(part.split()).casefold() for part in words.split(","))
    return list(dict.fromkeys(part for part in found if part))


def words_hold(words: str, text: str) -> bool:
    """Whether one of the phrases stands in ``text``, as whole words; true when there are none."""
    wanted = _one_of(words)
    return wanted is None or wanted.search(" ".join(text.split()).casefold()) is not None


@lru_cache(maxsize=1024)
def _one_of(words: str) -> re.Pattern[str] | None:
    phrases = "|".join(map(re.escape, phrases_of(words)))
    return re.compile(rf"(?<!\w)(?:{phrases})(?!\w)") if phrases else None
