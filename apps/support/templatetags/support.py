"""Filters of Support's pages."""

from __future__ import annotations

from django import template

from apps.support.excerpts import blocks_of, plain
from apps.support.staleness import CORRECTED, FELL, UNTOUCHED

register = template.Library()

DEEDS = {
    "conversation.seen": "opened it",
    "conversation.taken": "took it over",
    "conversation.released": "gave it back to the bot",
    "conversation.resolved": "resolved it",
    "conversation.assigned": "assigned it",
    "conversation.dealt": "dealt it to an operator",
    "conversation.sorted": "changed its priority or tags",
    "conversation.snoozed": "put it off",
    "conversation.transferred": "passed it on",
    "conversation.merged": "merged another into it",
    "conversation.exported": "exported it",
    "conversation.abandoned": "put it back: its operator went away",
    "conversation.unanswered": "put it back: it was not answered",
    "conversation.silent": "gave it back: the customer was silent",
    "person.erased": "erased a person",
    "duty.changed": "changed an operator's duty",
    "hours.saved": "changed the hours",
    "report_mail.set": "chose how often the report is mailed",
    "sla.breached": "noted a promise not kept",
}
"""The actions of the audit log in words, with what they are about as "it"."""

SIGNS = {
    UNTOUCHED: "It is still cited and was not changed for long.",
    FELL: "Customers say more often than before that it did not help.",
    CORRECTED: "Operators say that another article, or none, answers what it was cited for.",
}
"""Why an article is stale, in words."""

PARTS = {
    "automated": "By the bot alone",
    "answered": "Answered by a person",
    "resolved": "Resolved by a person",
    "late": "A promised time was not kept",
    "helped": "Customers who say that we helped:",
    "days": "On",
    "reasons": "A person was asked:",
    "teams": "Helped by",
    "operators": "With replies of",
    "articles": "Cited:",
    "matters": "Asked about",
    "wrong": "Operators say that it was not about",
}
"""What a part of a report counts, in words."""


@register.filter
def words(label: str) -> str:
    """A label such as ``card_arrival`` in words."""
    return str(label).replace("_", " ")


@register.filter
def deed(action: str) -> str:
    """An action of the audit log in words; one without words of its own as it is named."""
    return DEEDS.get(action) or " ".join(reversed(action.replace("_", " ").split(".")))


@register.filter
def sign_words(sign: str) -> str:
    """Why an article is stale, in words."""
    return SIGNS.get(sign, sign)


@register.filter
def part_words(part: str) -> str:
    """What a part of a report counts, in words."""
    return PARTS.get(part, part)


@register.filter
def said(value: object) -> str:
    """A detail of the audit log as people say it."""
    if value in (None, ""):
        return "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


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
