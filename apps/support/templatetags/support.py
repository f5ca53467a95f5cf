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
