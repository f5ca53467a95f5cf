"""Numbers and names as Discover's pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template

from apps.recommend.experiment_results import METRICS

register = template.Library()


@register.filter
def as_percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage; without ``digits`` as short as it is."""
    if share is None:
        return "–"
    return f"{100 * share:.{digits}f}%" if digits else f"{100 * share:.4g}%"


@register.filter
def signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


@register.filter
def signed_part(amount: float) -> str:
    """A part of a score."""
    return f"{amount:+.3f}".replace("-", "−")


@register.filter
def signed_percent(share: float) -> str:
    return f"{100 * share:+.1f}%".replace("-", "−")


@register.filter
def points(share: float) -> str:
    """A difference of shares, in points of a percent."""
    return f"{100 * share:+.2f} pp".replace("-", "−")


@register.filter
def small_chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


@register.filter
def metric_words(metric: str) -> str:
    return str(METRICS.get(metric, metric))


@register.filter
def at(held: Sequence[Any], index: int) -> Any:
    return held[index]


@register.filter
def arm_words(arm: Mapping[str, Any]) -> str:
    """What an arm sets, in words."""
    settings = arm.get("settings", {})
    words = [] if settings.get("rules", True) else ["without rules"]
    words += [
        f"{name} {settings[name]:g}"
        for name in ("familiarity", "diversity", "exploration")
        if name in settings
    ]
    return ", ".join(words) or "as usual"
