"""Sentiment, charts and highlighted names in templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import template
from django.utils.translation import gettext

from apps.market.charts import (
    Bar,
    Segment,
    Sparkline,
    bars,
    index_sparkline,
    probability_segments,
)
from apps.market.models import Alert, Article, Mention, Score
from apps.market.payloads import split_scores
from apps.market.pooling import SURE
from apps.market.precision import Precision
from apps.market.reasons import reason_words, unusual_words
from apps.market.sentiment_index import IndexReport

register = template.Library()

_SHAPES = {
    "positive": ("up", "▲", "+"),
    "negative": ("down", "▼", "−"),
    "neutral": ("flat", "●", ""),
}


@register.inclusion_tag("market/parts/sentiment.html")
def sentiment(score: Score | None) -> dict[str, Any]:
    """A chip with shape, sign and confidence; "unsure" where the model abstains."""
    if score is None:
        return {"score": None}
    kind, shape, sign = _SHAPES[score.label]
    if not score.confident:
        kind, shape = "unsure", f"{shape}?"
    return {
        "score": score,
        "kind": kind,
        "shape": shape,
        "sign": sign,
        "percent": round(100 * score.confidence),
    }


@register.inclusion_tag("market/parts/alert_sentiment.html")
def alert_sentiment(alert: Alert) -> dict[str, Any]:
    """The chip of what raised an alert: its shape, its sign and how sure the model was."""
    kind, shape, sign = _SHAPES[alert.label]
    sure = alert.probability >= SURE
    return {
        "label": alert.get_label_display(),
        "kind": kind if sure else "unsure",
        "shape": shape if sure else f"{shape}?",
        "sign": sign,
        "percent": round(100 * alert.probability),
    }


@register.inclusion_tag("market/parts/ticker.html")
def ticker(score: Score) -> dict[str, Any]:
    """A company's chip with the direction that the article gives it."""
    kind, shape, _ = _SHAPES[score.label]
    if not score.confident:
        kind, shape = "unsure", "?"
    return {"company": score.company, "kind": kind, "shape": shape, "score": score}


@register.filter
def whole_score(article: Article) -> Score | None:
    """The score of the article as a whole."""
    return split_scores(article.scores.all())[0]


@register.filter
def company_scores(article: Article) -> list[Score]:
    """The scores of the companies in the article."""
    return split_scores(article.scores.all())[1]


@register.filter
def direction(net: float) -> str:
    """``up``, ``down`` or ``flat``, the CSS class of a value in [-1, 1]."""
    if abs(net) < 0.05:
        return "flat"
    return "up" if net > 0 else "down"


@register.filter
def signed(net: float) -> str:
    """A value in [-1, 1] with its sign, as ``+0.42``."""
    return f"{round(net, 2) + 0.0:+.2f}".replace("-", "−")


@register.filter
def percent(share: float) -> str:
    return f"{share:.0%}"


@register.filter
def minutes_long(minutes: float) -> str:
    """A time span in the unit that suits it, as ``25 min`` or ``3.5 h``."""
    if minutes < 120:
        return gettext("%(n)s min") % {"n": f"{minutes:.0f}"}
    if minutes < 48 * 60:
        return gettext("%(n)s h") % {"n": f"{round(minutes / 60, 1):g}"}
    return gettext("%(n)s d") % {"n": f"{round(minutes / 1440, 1):g}"}


@register.filter
def seconds_long(seconds: int) -> str:
    """A pause between polls, as ``90 s``, ``5 min`` or ``6 h``."""
    if seconds % 60:
        return gettext("%(n)s s") % {"n": seconds}
    return minutes_long(seconds / 60)


@register.filter
def because(reasons: dict[str, Any]) -> str:
    """Why a rule about meaning or about the unusual matched."""
    return reason_words(reasons)


@register.filter
def unusual(reason: dict[str, Any]) -> str:
    """What was unusual about the company of an alert."""
    return unusual_words(reason)


@register.filter
def hundredths(share: float) -> str:
    """A share as a coordinate of 100, with a point in every language."""
    return f"{100 * share:.1f}"


@register.filter
def add_units(place: float, more: int) -> str:
    """A coordinate moved on, with a point in every language."""
    return f"{place + more:.1f}"


@register.filter
def interval_width(precision: Precision) -> str:
    """How wide the interval of a precision is, of 100."""
    low, high = precision.interval
    return f"{100 * (high - low):.1f}"


@register.filter
def spark(values: Sequence[int]) -> list[Bar]:
    """The bars of a sparkline."""
    return bars(values)


@register.filter
def index_spark(report: IndexReport) -> Sparkline:
    """The sparkline of an index with what is usual for it."""
    return index_sparkline(report)


@register.filter
def segments(score: Score) -> list[Segment]:
    """The three probabilities of a score as a stacked bar."""
    return probability_segments(score.negative, score.neutral, score.positive)


@dataclass(frozen=True, slots=True)
class Says:
    """What the sentiment model says of a sentence: ``way`` is ``up``, ``down`` or ``flat``."""

    way: str
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of text; ``mention`` when it names a company, ``says`` when it is evidence."""

    text: str
    mention: Mention | None
    says: Says | None


_TELLING = 0.5
"""A sentence this much better or worse than neutral is shown as evidence."""


@register.simple_tag
def highlighted(
    article: Article, field: str, mentions: Iterable[Mention], score: Score | None = None
) -> list[Part]:
    """``article.<field>`` cut where companies are named, and where ``score``'s evidence begins."""
    text: str = getattr(article, field)
    named = _apart(mention for mention in mentions if mention.field == field)
    evidence = _evidence(score, field) if field == Mention.Field.BODY else []
    cuts = {0, len(text)}
    for start, end, _ in [*named, *evidence]:
        if end <= len(text):
            cuts |= {start, end}
    return [
        Part(text[start:end], _over(named, start, end), _over(evidence, start, end))
        for start, end in pairwise(sorted(cuts))
    ]


_Span = tuple[int, int, Any]


def _apart(mentions: Iterable[Mention]) -> list[_Span]:
    """The mentions in order, without those that overlap an earlier one."""
    spans: list[_Span] = []
    for mention in sorted(mentions, key=lambda mention: mention.start):
        if not spans or mention.start >= spans[-1][1]:
            spans.append((mention.start, mention.end, mention))
    return spans


def _over(spans: Iterable[_Span], start: int, end: int) -> Any:
    return next((what for first, last, what in spans if first <= start and end <= last), None)


def _evidence(score: Score | None, field: str) -> list[_Span]:
    found: list[_Span] = []
    for where, start, end, negative, neutral, positive, topic, _ in score.passages if score else []:
        if where == field and abs(positive - negative) >= _TELLING:
            way = "up" if positive > negative else "down"
            words = (
                f"negative {negative:.0%}, neutral {neutral:.0%}, positive {positive:.0%}; {topic}"
            )
            found.append((start, end, Says(way, words)))
    return found


@register.filter
def of(numbers: Mapping[int, int], key: int) -> int:
    """The number that is kept for a key, else 0."""
    return numbers.get(key, 0)
