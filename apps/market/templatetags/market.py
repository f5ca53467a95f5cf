"""Sentiment, charts and highlighted names in templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import template

from apps.market.charts import (
    Bar,
    Segment,
    Sparkline,
    bars,
    index_sparkline,
    probability_segments,
)
from apps.market.models import Article, Mention, Score
from apps.market.payloads import split_scores
from apps.market.precision import Precision
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
def hundredths(share: float) -> str:
    """A share as a coordinate of 100, with a point in every language."""
    return f"{100 * share:.1f}"


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
class Part:
    """A stretch of text; ``mention`` when it names a company."""

    text: str
    mention: Mention | None


@register.simple_tag
def highlighted(article: Article, field: str, mentions: Iterable[Mention]) -> list[Part]:
    """``article.<field>`` cut where companies are named."""
    text: str = getattr(article, field)
    parts, at = [], 0
    for mention in sorted(mentions, key=lambda mention: mention.start):
        if mention.field != field or mention.start < at or mention.end > len(text):
            continue
        parts.append(Part(text[at : mention.start], None))
        parts.append(Part(text[mention.start : mention.end], mention))
        at = mention.end
    parts.append(Part(text[at:], None))
    return [part for part in parts if part.text]
