"""Filters of the controls that correct what a message was taken for."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.support.particulars import Particular
from apps.support.services.entity_corrections import Entities

register = template.Library()

_KINDS = {"PER": _("person"), "ORG": _("organisation"), "LOC": _("place")}
_PARTICULARS = {
    "order": _("order or reference"),
    "date": _("day"),
    "amount": _("amount"),
    "product": _("product"),
    "person": _("person"),
    "organisation": _("organisation"),
    "place": _("place"),
}
_TONES = {"negative": _("upset"), "neutral": _("calm"), "positive": _("pleased")}


@register.filter
def entity_kind(label: str) -> str | Promise:
    """A type of entities in words; one without words of its own as the model names it."""
    return _KINDS.get(label, label)


@register.filter
def tone_word(label: str) -> str | Promise:
    """How a message sounds, in a word."""
    return _TONES.get(label, label)


@register.filter
def entity_chips(entities: Entities) -> list[tuple[int, str, str]]:
    """Each entity that stands: where it begins, its text, its type."""
    text = entities.message.text
    return [(start, text[start:end], label) for start, end, label in entities.spans]


@register.filter
def entity_facts(entities: Entities) -> list[Particular]:
    """What the message holds beside names as they are written, which have chips."""
    names = set(_KINDS.values())
    return [one for one in entities.particulars if one.kind not in names or one.value != one.text]


@register.filter
def particular_kind(kind: str) -> str | Promise:
    """A kind of particulars in words; one without words of its own as it is named."""
    return _PARTICULARS.get(kind, kind)


@register.filter
def entity_editor(entities: Entities) -> dict[str, Any]:
    """What the editor of entities begins with."""
    return {"text": entities.message.text, "labels": entities.labels, "spans": entities.spans}


@register.filter
def entity_choices(entities: Entities) -> list[dict[str, Any]]:
    """The types that keys give."""
    return [{"key": key, "label": label} for key, label in enumerate(entities.labels, start=1)]
