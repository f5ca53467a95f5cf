"""Filters of Support's pages."""

from __future__ import annotations

from django import template

from apps.support.excerpts import blocks_of, plain

register = template.Library()


@register.filter
def words(label: str) -> str:
    """A label such as ``card_arrival`` in words."""
    return str(label).replace("_", " ")


@register.filter
def opening(markdown: str) -> str:
    """The first paragraph of a text in Markdown, without marks."""
    return plain(next(iter(blocks_of(markdown)), ""))


@register.filter
def hundredths(share: float | None, places: int = 0) -> str:
    """A share as a percentage: ``0.053`` is ``5%``, or with one place ``5.3%``."""
    return "–" if share is None else f"{100 * share:.{places}f}%"


@register.filter
def typed_share(share: float | None) -> str:
    """A share as it is typed into a field of hundredths, empty for none."""
    return "" if share is None else f"{100 * share:g}"


@register.filter
def spell(seconds: float | None) -> str:
    """A time in the largest units that say enough: ``45 s``, ``3 min``, ``2 h 5 min``, ``3 d``."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} d"


@register.filter
def value(values: dict[str, object], name: str) -> object:
    """What a mapping holds under a name that has spaces."""
    return values.get(name)
