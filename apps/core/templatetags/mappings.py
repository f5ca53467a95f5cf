"""A mapping in pairs, whatever its keys are; a builtin of every template (``TEMPLATES`` in the
settings)."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def pairs(mapping: Mapping[str, Any] | None) -> ItemsView[str, Any]:
    """Keys with their values, none of a mapping that is missing. ``mapping.items`` would be the
    value of a key "items": where people name the keys, one is called that some day."""
    return (mapping or {}).items()
