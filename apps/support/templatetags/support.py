"""Filters of Support's pages."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext_lazy as _

from apps.support.excerpts import blocks_of, plain
from apps.support.staleness import CORRECTED, FELL, UNTOUCHED

register = template.Library()

DEEDS = {
    "conversation.seen": _("opened it"),
    "conversation.taken": _("took it over"),
    "conversation.released": _("gave it back to the bot"),
    "conversation.resolved": _("resolved it"),
    "conversation.assigned": _("assigned it"),
    "conversation.dealt": _("dealt it to an operator"),
    "conversation.sorted": _("changed its priority or tags"),
    "conversation.snoozed": _("put it off"),
    "conversation.transferred": _("passed it on"),
    "conversation.merged": _("merged another into it"),
    "conversation.exported": _("exported it"),
    "conversation.abandoned": _("put it back: its operator went away"),
    "conversation.unanswered": _("put it back: it was not answered"),
    "conversation.silent": _("gave it back: the customer was silent"),
    "person.erased": _("erased a person"),
    "duty.changed": _("changed an operator's duty"),
    "hours.saved": _("changed the hours"),
    "report_mail.set": _("chose how often the report is mailed"),
    "sla.breached": _("noted a promise not kept"),
}
"""The actions of the audit log in words, with what they are about as "it"."""

SIGNS = {
    UNTOUCHED: _("It is still cited and was not changed for long."),
    FELL: _("Customers say more often than before that it did not help."),
    CORRECTED: _("Operators say that another article, or none, answers what it was cited for."),
}
"""Why an article is stale, in words."""

PARTS = {
    "automated": _("By the bot alone"),
    "deflected": _("The bot's answer was enough"),
    "answered": _("Answered by a person"),
    "resolved": _("Resolved by a person"),
    "late": _("A promised time was not kept"),
    "helped": _("Customers who say that we helped:"),
    "days": _("On"),
    "reasons": _("A person was asked:"),
    "teams": _("Helped by"),
    "operators": _("With replies of"),
    "articles": _("Cited:"),
    "matters": _("Asked about"),
    "wrong": _("Operators say that it was not about"),
}
"""What a part of a report counts, in words."""


@register.filter
def words(label: str) -> str:
    """A label such as ``card_arrival`` in words."""
    return str(label).replace("_", " ")


@register.filter
def deed(action: str) -> str:
    """An action of the audit log in words; one without words of its own as it is named."""
    return str(DEEDS.get(action, "")) or " ".join(reversed(action.replace("_", " ").split(".")))


@register.filter
def sign_words(sign: str) -> str:
    """Why an article is stale, in words."""
    return str(SIGNS.get(sign, sign))


@register.filter
def part_words(part: str) -> str:
    """What a part of a report counts, in words."""
    return str(PARTS.get(part, part))


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
