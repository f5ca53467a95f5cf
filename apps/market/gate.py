"""The alert backtest as a check of the gates of the models of sentiment and topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings

from apps.core import gateway
from apps.core.jobs import ProgressReporter
from apps.market.alert_backtest import Raised, compared, told
from apps.market.models import Rule, Score
from apps.market.refinding import kinds_moved_by
from apps.market.rescoring import TOPIC_TASK, Archive, archive_read, rescored
from apps.modelhub.gate_checks import Finding, GateCheck
from ml.data.targeting import TARGETED_TASK
from ml.runs.gate import Check
from ml.types import Classification
from ml.wording import Wording

TASKS = ("sentiment", TARGETED_TASK, TOPIC_TASK)
DETAILS = "alert_backtest"
TEMPLATE = "market/parts/alert_backtest.html"
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class AlertLimits:
    """What of the alerts a candidate may change; ``settings.MARKET_GATE`` has others.

    The archive is the news of ``days`` up to the newest, ``articles`` at most. ``lost`` and ``new``
    are shares of the alerts that the live version would have raised by rules that ask for what the
    model says (see :func:`asks`); up to ``few`` of each are allowed however few those are.
    """

    days: int = 30
    articles: int = 2_000
    lost: float = 0.1
    new: float = 0.1
    few: int = 3

    def most(self, share: float, alerts: int) -> int:
        """How many alerts may be lost, or new."""
        return max(self.few, int(share * alerts))


def alert_backtest(task: str) -> GateCheck:
    """The check of a task's candidates: which alerts the active rules would have raised on stored
    news by the live version, and which by the candidate.

    ``None`` where there is no scored news or no active rule. Raises ``MLError`` for a version that
    cannot be loaded, ``Problem`` when the meaning that a rule asks for cannot be read.
    """

    def check(candidate: str, live: str, progress: ProgressReporter) -> Finding | None:
        limits = AlertLimits(**settings.MARKET_GATE)
        if not Rule.objects.filter(enabled=True, owner__is_active=True).exists():
            return None
        archive = archive_read(days=limits.days, most=limits.articles)
        if not archive.articles:
            return None
        before = _rescored(archive, task, live, progress, Wording("alerts of the live version"))
        after = _rescored(archive, task, candidate, progress, Wording("alerts of the candidate"))
        raised = compared(archive, before, after)
        details = {
            "since": archive.since.isoformat(),
            "until": archive.until.isoformat(),
            "articles": len(archive.articles),
            "rules": told(raised, archive, before, after),
        }
        return Finding(_checks(raised, task, limits), {DETAILS: details})

    return check


def lines(found: dict[str, Any]) -> list[str]:
    """The alerts that changed, as a terminal shows them."""
    return [
        f"  rule {rule['rule']}, {rule['owner']}: {words} {one['title']}"
        for rule in found["rules"]
        for name, words in (("lost_examples", "no more"), ("new_examples", "anew"))
        for one in rule[name]
    ]


def asks(rule: Rule, task: str) -> bool:
    """Whether what the model of ``task`` says decides on the alerts of ``rule``: its sentiment or
    its event, the risk, which both make up, or what is unusual about it."""
    said = rule.topic if task == TOPIC_TASK else rule.sentiment
    unusual = rule.anomaly == Rule.ANY or rule.anomaly in kinds_moved_by(task)
    return bool(said or rule.least_risk or unusual)


def _checks(raised: Sequence[Raised], task: str, limits: AlertLimits) -> list[Check]:
    """Of rules that ask for what the model says; other alerts are the same by both."""
    asking = [one for one in raised if asks(one.rule, task)]
    alerts = sum(len(one.live) for one in asking)
    lost, new = (sum(len(getattr(one, name)) for one in asking) for name in ("lost", "new"))
    most_lost, most_new = limits.most(limits.lost, alerts), limits.most(limits.new, alerts)
    return [
        Check("alerts_lost", lost <= most_lost, lost, alerts, most_lost),
        Check("alerts_new", new <= most_new, new, alerts, most_new),
    ]


def _rescored(
    archive: Archive, task: str, version: str, progress: ProgressReporter, words: str
) -> dict[int, list[Score]]:
    """Apart from the engine, whose queue and cache are for what people ask."""
    predictor = gateway.load_version(task, version, threads=settings.MODEL_RUN_THREADS)

    def classify(texts: Sequence[str]) -> list[Classification]:
        return [
            cast(Classification, one)
            for at in range(0, len(texts), _CHUNK)
            for one in predictor.predict(texts[at : at + _CHUNK])
        ]

    def report(done: int) -> None:
        progress.update(done, len(archive.articles), words)

    return rescored(archive, task, classify, report)
