"""Which alerts the active rules would have raised on an archive, by the scores of two versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from apps.market.conditions import Stage
from apps.market.models import Company, Rule, Score
from apps.market.refinding import Refinder
from apps.market.rescoring import Archive
from apps.market.selectors.backtest import Row, replayed
from apps.market.selectors.meanings import likenesses_since
from apps.market.services.raising import Known, circles_of, descriptions, enabled_rules, matches

_EXAMPLES = 3
_RULES = 50
_BEFORE = timedelta(days=3)
"""How much older than its repeats the first telling of a story may be."""

Key = tuple[int, int | None]
"""The story and the company of an alert."""

Scores = Mapping[int, Sequence[Score]]


@dataclass(frozen=True, slots=True)
class Raised:
    """The alerts of a rule by each of two versions, with the article that raises each."""

    rule: Rule
    live: Mapping[Key, int]
    candidate: Mapping[Key, int]

    @property
    def lost(self) -> list[Key]:
        return [key for key in self.live if key not in self.candidate]

    @property
    def new(self) -> list[Key]:
        return [key for key in self.candidate if key not in self.live]


class Rules:
    """The active rules with all that they ask of an archive but its scores."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._rules = {stage: enabled_rules(stage) for stage in Stage}
        self._alike = {stage: self._likenesses(stage) for stage in (Stage.READ, Stage.UNUSUAL)}
        self._unusual = Refinder(archive.until) if self._rules[Stage.UNUSUAL] else None

    def raised(self, scores: Scores) -> dict[Rule, dict[Key, int]]:
        """What each rule would have raised with these scores, by the rules of raising alerts."""
        rows: dict[Rule, list[Row]] = {}
        for stage, rules in self._rules.items():
            rows |= {rule: [] for of_company in rules.values() for rule in of_company}
            circles = circles_of(rules, scores)
            known = self._known(stage, scores)
            for article in self._archive.articles if rules else ():
                found = matches(article, scores[article.pk], rules, circles, known)
                for rule, score, _ in found:
                    at = article.published_at
                    rows[rule].append(Row(article.pk, article.story_key, score.company_id, at))
        return {
            rule: {(row.story, row.company): row.article for row in replayed(rule, found)[0]}
            for rule, found in rows.items()
        }

    def _known(self, stage: Stage, scores: Scores) -> Known:
        unusual = self._unusual.found(scores) if stage is Stage.UNUSUAL and self._unusual else {}
        return Known(stage, alike=self._alike.get(stage, {}), anomalies=unusual)

    def _likenesses(self, stage: Stage) -> dict[tuple[int, str], dict[str, Any]]:
        """How alike each article, else its story, is to each description that rules ask for."""
        found = {}
        for text in descriptions(stage=stage):
            alike = likenesses_since(description=text, since=self._archive.since - _BEFORE)
            for article in self._archive.articles:
                value = alike.values.get(article.pk, alike.values.get(article.story_key))
                if value is not None:
                    found[article.pk, text] = {"likeness": value}
        return found


def compared(archive: Archive, live: Scores, candidate: Scores) -> list[Raised]:
    """What each active rule would have raised by both, those with the most changes first.

    Raises ``Problem`` when a rule asks for a meaning and the language layer cannot answer.
    """
    rules = Rules(archive)
    before, after = rules.raised(live), rules.raised(candidate)
    found = [Raised(rule, before[rule], after[rule]) for rule in before if rule in after]
    return sorted(found, key=lambda one: (-len(one.lost) - len(one.new), one.rule.pk))


def told(raised: Sequence[Raised], archive: Archive, live: Scores, candidate: Scores) -> list[Any]:
    """The rules that raise any alert, with examples of what changed, ready for JSON.

    A rule is its owner's alone: it is told whose it is and which sentiment, event and unusual news
    it asks for, not its name, its words or its companies.
    """
    examples = _Examples(archive, live, candidate)
    return [
        {
            "rule": one.rule.pk,
            "owner": one.rule.owner.display_name,
            "sentiment": one.rule.sentiment,
            "threshold": one.rule.threshold if one.rule.sentiment else None,
            "topic": one.rule.topic,
            "anomaly": one.rule.anomaly,
            "live": len(one.live),
            "candidate": len(one.candidate),
            "lost": len(one.lost),
            "new": len(one.new),
            "lost_examples": examples.of(one.rule, one.lost, one.live),
            "new_examples": examples.of(one.rule, one.new, one.candidate),
        }
        for one in raised[:_RULES]
        if one.live or one.candidate
    ]


class _Examples:
    """Tells of alerts by the article that raises them and what both versions say of it."""

    def __init__(self, archive: Archive, live: Scores, candidate: Scores) -> None:
        self._articles = {article.pk: article for article in archive.articles}
        self._scores = {"live": live, "candidate": candidate}

    def of(self, rule: Rule, keys: Sequence[Key], alerts: Mapping[Key, int]) -> list[Any]:
        some = keys[:_EXAMPLES]
        names = dict(
            Company.objects.filter(pk__in=[company for _, company in some if company]).values_list(
                "pk", "name"
            )
        )
        return [
            {
                "title": self._articles[alerts[key]].title[:200],
                "at": self._articles[alerts[key]].published_at.isoformat(),
                "company": names.get(key[1] or 0, ""),
                **self._said(rule, alerts[key], key[1]),
            }
            for key in some
        ]

    def _said(self, rule: Rule, article: int, company: int | None) -> dict[str, Any]:
        """How sure both are of the sentiment that the rule asks for (``None``: of none), and which
        events they say it is about, where they differ."""
        scores = {
            name: next((one for one in found[article] if one.company_id == company), None)
            for name, found in self._scores.items()
        }
        said: dict[str, Any] = {
            name: round(float(getattr(score, rule.sentiment)), 4)
            if score is not None and rule.sentiment
            else None
            for name, score in scores.items()
        }
        topics = {name: score.topics if score else [] for name, score in scores.items()}
        if topics["live"] != topics["candidate"]:
            said |= {f"{name}_topics": found for name, found in topics.items()}
        return said
