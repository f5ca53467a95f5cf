"""How precise a person's rules are, and what another threshold would have done."""

from __future__ import annotations

import copy
from collections import defaultdict
from dataclasses import dataclass

from apps.market.models import Alert, Rule
from apps.market.precision import Precision, Proposal, Rating, propose
from apps.market.selectors.backtest import RuleHistory, rule_history


@dataclass(frozen=True, slots=True)
class Quality:
    """The precision of a rule (``None`` when nothing is rated) and a better threshold, if any."""

    precision: Precision | None
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a rule would have done in the last days as it is, and with the proposed threshold."""

    now: RuleHistory
    then: RuleHistory


def qualities(*, rules: list[Rule]) -> dict[int, Quality]:
    """The quality of each rule by its id, in one query."""
    found: dict[int | None, list[tuple[str, Rating]]] = defaultdict(list)
    rated = Alert.objects.filter(rule__in=[rule.pk for rule in rules]).exclude(
        verdict=Alert.Verdict.NONE
    )
    for rule_id, label, probability, verdict in rated.values_list(
        "rule", "label", "probability", "verdict"
    ):
        found[rule_id].append((label, Rating(probability, verdict == Alert.Verdict.USEFUL)))
    return {rule.pk: _quality(rule, found[rule.pk]) for rule in rules}


def _quality(rule: Rule, rated: list[tuple[str, Rating]]) -> Quality:
    if not rated:
        return Quality(None, None)
    useful = sum(rating.useful for _, rating in rated)
    # A rule without a sentiment has no threshold; one that had another one, other probabilities.
    ratings = [rating for label, rating in rated if label == rule.sentiment]
    return Quality(
        Precision(useful, len(rated) - useful), propose(ratings, threshold=rule.threshold)
    )


def rule_quality(*, rule: Rule) -> Quality:
    return qualities(rules=[rule])[rule.pk]


def rule_replay(*, rule: Rule, threshold: float) -> Replay:
    """Replay the news of the last 30 days against a rule as it is and with ``threshold``."""
    other = copy.copy(rule)
    other.threshold = threshold
    return Replay(rule_history(rule=rule), rule_history(rule=other))
