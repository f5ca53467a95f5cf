"""What readers are told of why an item is shown and of what changed their page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.recommend.index import Snapshot
from apps.recommend.models import Kind
from apps.recommend.scoring import Reason

DEEDS: dict[str, str] = {
    Kind.SAVE: "you saved",
    Kind.LIKE: "you liked",
    Kind.CLICK: "you opened",
    Kind.VIEW: "you looked at",
    Kind.DWELL: "you stayed with",
    Kind.PURCHASE: "you bought",
    Kind.RATING: "you rated",
    Kind.DISLIKE: "you disliked",
    Kind.NOT_INTERESTED: "you dismissed",
}


def reason_words(reason: Reason, snapshot: Snapshot) -> str:
    """The reason as a sentence for the reader."""
    if reason.is_new:
        return _words_of_new(reason, snapshot)
    if reason.kind == "history" and reason.position is not None:
        return f"Because {DEEDS[reason.deed]} {snapshot.entries[reason.position].title}"
    if reason.kind == "again":
        return f"{DEEDS[reason.deed].capitalize()} this before"
    if reason.kind == "wish":
        return f"Fits what you said: {reason.words}"
    if reason.kind == "tag":
        return f"You asked for {reason.words}"
    if reason.kind == "author":
        return f"By {reason.words}, whom you follow"
    if reason.kind == "rule":
        return "Put forward by the editors"
    return {"popular": "Popular with readers", "new": "New here"}.get(reason.kind, "")


def _words_of_new(reason: Reason, snapshot: Snapshot) -> str:
    """Why an item has a place that is kept for new ones: it is new, and what speaks for it most."""
    words = reason_words(replace(reason, is_new=False), snapshot)
    if reason.kind in ("history", "wish", "tag", "author"):
        return f"New here. {words}"
    return words


def part_words(reason: Reason, snapshot: Snapshot) -> str:
    """A part of a score, for or against an item, as a phrase."""
    if reason.kind == "history" and reason.position is not None:
        deed = DEEDS[reason.deed]
        return f"{deed[0].upper()}{deed[1:]} {snapshot.entries[reason.position].title}"
    if reason.kind == "unwanted":
        return f"You asked for none of this: {reason.words}"
    return reason_words(reason, snapshot)


def _dial_words(value: float) -> str:
    if not value:
        return "Neither surprising nor familiar"
    return f"More of the {'familiar' if value > 0 else 'surprising'}"


def listed(names: Sequence[str], *, most: int = 3) -> str:
    """Names in a row: "A, B and C", and beyond ``most`` of them "A, B and 4 more"."""
    shown = list(names[:most])
    if len(names) > most:
        shown = [*names[: most - 1], f"{len(names) - most + 1} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def cause_words(cause: Mapping[str, Any]) -> str:
    """Why the page has just changed, for the reader."""
    title, kind = str(cause.get("title", "")), str(cause.get("kind", ""))
    if kind == "dial":
        return _dial_words(float(cause["value"]))
    if kind in Kind.values:
        if not cause.get("counts", True):
            return f"On your list, and learned from by nothing: {title}"
        if kind in (Kind.NOT_INTERESTED, Kind.DISLIKE):
            return f"Less like {title}"
        return f"Updated because {DEEDS[kind]} {title}"
    return {
        "undo": f"Taken back: {title}",
        "removed": f"Removed from your history: {title}",
        "more": f"More of {title}",
        "mute": f"Nothing more of {title}",
        "pause": f"Not counted for now: {title}",
        "withdrawn": f"No longer counted: {title}",
        "start": f"Updated because you liked {title}",
        "paused": "Learning is paused",
        "resumed": "Learning goes on",
        "wish": f"Updated for: {title}" if title else "Your sentence was cleared",
    }.get(kind, "Updated")
