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
