"""What readers are told of why an item is shown and of what changed their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_lazy, ngettext, pgettext

from apps.recommend.index import Snapshot
from apps.recommend.models import Kind
from apps.recommend.scoring import Reason

DEEDS = {
    Kind.SAVE: gettext_lazy("you saved"),
    Kind.LIKE: gettext_lazy("you liked"),
    Kind.CLICK: gettext_lazy("you opened"),
    Kind.VIEW: gettext_lazy("you looked at"),
    Kind.DWELL: gettext_lazy("you stayed with"),
    Kind.PURCHASE: gettext_lazy("you bought"),
    Kind.RATING: gettext_lazy("you rated"),
    Kind.DISLIKE: gettext_lazy("you disliked"),
    Kind.NOT_INTERESTED: gettext_lazy("you dismissed"),
}


def deed_words(kind: str) -> str:
    """What the reader did, as "you saved"."""
    return str(DEEDS[Kind(kind)])


def reason_words(reason: Reason, snapshot: Snapshot) -> str:
    """The reason as a sentence for the reader."""
    if reason.is_new:
        return _words_of_new(reason, snapshot)
    if reason.kind == "history" and reason.position is not None:
        told = {
            "deed": deed_words(reason.deed),
            "title": snapshot.entries[reason.position].title,
        }
        return gettext("Because %(deed)s %(title)s") % told
    if reason.kind == "again":
        return gettext("%(deed)s this before") % {"deed": deed_words(reason.deed).capitalize()}
    if reason.kind == "wish":
        return gettext("Fits what you said: %(words)s") % {"words": reason.words}
    if reason.kind == "tag":
        return gettext("You asked for %(words)s") % {"words": reason.words}
    if reason.kind == "author":
        return gettext("By %(words)s, whom you follow") % {"words": reason.words}
    if reason.kind == "rule":
        return gettext("Put forward by the editors")
    return {"popular": gettext("Popular with readers"), "new": gettext("New here")}.get(
        reason.kind, ""
    )


def _words_of_new(reason: Reason, snapshot: Snapshot) -> str:
    """Why an item has a place that is kept for new ones: it is new, and what speaks for it most."""
    words = reason_words(replace(reason, is_new=False), snapshot)
    if reason.kind in ("history", "wish", "tag", "author"):
        return gettext("New here. %(words)s") % {"words": words}
    return words


def part_words(reason: Reason, snapshot: Snapshot) -> str:
    """A part of a score, for or against an item, as a phrase."""
    if reason.kind == "history" and reason.position is not None:
        deed = deed_words(reason.deed)
        told = {
            "deed": f"{deed[0].upper()}{deed[1:]}",
            "title": snapshot.entries[reason.position].title,
        }
        return gettext("%(deed)s %(title)s") % told
    if reason.kind == "unwanted":
        return gettext("You asked for none of this: %(words)s") % {"words": reason.words}
    return reason_words(reason, snapshot)


def shared_words(readers: int) -> str:
    """How many readers two items share."""
    words = ngettext("%(n)s reader in common", "%(n)s readers in common", readers)
    return words % {"n": readers}


def _dial_words(value: float) -> str:
    if not value:
        return gettext("Neither surprising nor familiar")
    return gettext("More of the familiar") if value > 0 else gettext("More of the surprising")


def listed(names: Sequence[str], *, most: int = 3) -> str:
    """Names in a row: "A, B and C", and beyond ``most`` of them "A, B and 4 more"."""
    shown = list(names[:most])
    if len(names) > most:
        shown = [*names[: most - 1], gettext("%(n)s more") % {"n": len(names) - most + 1}]
    if len(shown) < 2:
        return "".join(shown)
    return gettext(" and ").join([gettext(", ").join(shown[:-1]), shown[-1]])


def cause_words(cause: Mapping[str, Any]) -> str:
    """Why the page has just changed, for the reader."""
    title, kind = str(cause.get("title", "")), str(cause.get("kind", ""))
    if kind == "dial":
        return _dial_words(float(cause["value"]))
    if kind in Kind.values:
        if not cause.get("counts", True):
            return gettext("On your list, and learned from by nothing: %(title)s") % {
                "title": title
            }
        if kind in (Kind.NOT_INTERESTED, Kind.DISLIKE):
            return gettext("Less like %(title)s") % {"title": title}
        told = {"deed": deed_words(kind), "title": title}
        return gettext("Updated because %(deed)s %(title)s") % told
    words = {
        "undo": gettext("Taken back: %(title)s"),
        "removed": gettext("Removed from your history: %(title)s"),
        "more": gettext("More of %(title)s"),
        "mute": gettext("Nothing more of %(title)s"),
        "pause": gettext("Not counted for now: %(title)s"),
        "withdrawn": gettext("No longer counted: %(title)s"),
        "start": gettext("Updated because you liked %(title)s"),
        "paused": gettext("Learning is paused"),
        "resumed": gettext("Learning goes on"),
        "wish": gettext("Updated for: %(title)s")
        if title
        else gettext("Your sentence was cleared"),
    }.get(kind, pgettext("a page", "Updated"))
    return words % {"title": title}
