"""Writes of what readers do: interactions, taking them back, preferences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from apps.core import events
from apps.core.errors import InvalidInput, NotFound
from apps.core.file_imports import RowError
from apps.recommend.models import Interaction, Item, Kind, Preference, Reader
from apps.recommend.rows import checked_value, moment
from apps.recommend.services.opinions import (
    forget_replaced,
    give_back,
    is_opinion,
    pass_over,
    takes_place,
)
from apps.recommend.words import cause_words

MAX_EVENT_ID = 80
SUBJECTS = ("item", "topic", "author")
_MUTED = {"topic": gettext_lazy("topic"), "author": gettext_lazy("author")}


@dataclass(frozen=True, slots=True)
class Recorded:
    """An interaction and whether this call stored it (or an earlier one with its event id).

    ``paused``: it was not stored, since the reader has paused learning.
    """

    interaction: Interaction
    created: bool
    paused: bool = False


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Whether there was an event to take back, and the opinion that it had replaced."""

    removed: bool
    restored: Interaction | None = None


def interaction_record(
    *,
    reader: Reader,
    item_id: str,
    kind: str,
    event_id: str,
    value: Any = None,
    at: datetime | str | None = None,
    source: str,
    subject: str = "item",
    name: str = "",
    origin: str = "",
) -> Recorded:
    """Store what ``reader`` did to the item and tell the reader's open pages.

    ``not_interested`` may be about the item's topic or author instead (``subject``): ``name`` says
    which, the first one when it is left out, and it is muted too. The same ``event_id`` of the
    same reader is stored once, however often it is sent; an opinion older than the one that is
    held counts for nothing. While the reader has paused learning, only a save is stored, on the
    list and without counting. ``origin`` is handed to the pages, so that one knows its own deeds.
    Raises ``InvalidInput`` and ``NotFound`` (no such item, or deleted).
    """
    if subject not in SUBJECTS or (subject != "item" and kind != Kind.NOT_INTERESTED):
        raise InvalidInput(
            'subject is "item", or of not_interested also "topic" or "author".',
            code="invalid_event",
        )
    with transaction.atomic():
        recorded = interaction_store(
            reader=reader,
            item_id=item_id,
            kind=kind,
            event_id=event_id,
            value=value,
            at=at,
            source=source,
        )
        item = recorded.interaction.item
        if subject != "item" and (recorded.created or recorded.paused):
            _mute(reader, item, subject, name)
        if recorded.created:
            cause = {"kind": kind, "item_id": item.external_id, "title": item.title}
            announce(reader, cause | {"counts": recorded.interaction.counts}, origin)
    return recorded


def interaction_store(
    *,
    reader: Reader,
    item_id: str,
    kind: str,
    event_id: str,
    value: Any = None,
    at: datetime | str | None = None,
    source: str,
) -> Recorded:
    """:func:`interaction_record` without telling anybody, in the caller's transaction."""
    if not event_id or len(event_id) > MAX_EVENT_ID:
        raise InvalidInput(
            "event_id must have 1 to %(max_event_id)s characters.",
            code="invalid_event_id",
            max_event_id=MAX_EVENT_ID,
        )
    number, moment_at = _checked(kind, value, at)
    known = reader.interactions.filter(event_id=event_id).select_related("item").first()
    if known is not None:
        return Recorded(known, created=False)
    wanted = Interaction(
        reader=reader,
        item=shown_item(item_id),
        kind=kind,
        value=number,
        at=moment_at,
        event_id=event_id,
        source=source,
        counts=not reader.paused,
    )
    if reader.paused and kind != Kind.SAVE:
        return Recorded(wanted, created=False, paused=True)
    if is_opinion(kind) and not takes_place(wanted):
        return Recorded(wanted, created=False)
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError:
        # The same event came over two connections at once; the other one has stored it.
        return Recorded(reader.interactions.get(event_id=event_id), created=False)
    return Recorded(wanted, created=True)


def _mute(reader: Reader, item: Item, subject: str, name: str) -> None:
    held = item.tags if subject == "topic" else item.authors
    if not held or (name and name not in held):
        what = _MUTED[subject]
        if name:
            raise InvalidInput(
                "The item has no %(what)s %(name)r.",
                code="invalid_event",
                what=what,
                name=name[:80],
            )
        raise InvalidInput("The item has no %(what)s.", code="invalid_event", what=what)
    about = Preference.Subject.TAG if subject == "topic" else Preference.Subject.AUTHOR
    preference_set(
        reader=reader, subject=about, value=name or held[0], stance=Preference.Stance.MUTE
    )


def _checked(kind: str, value: Any, at: datetime | str | None) -> tuple[float | None, datetime]:
    now = timezone.now()
    try:
        return checked_value(kind, value), now if at is None else moment(at, now)
    except RowError as error:
        raise InvalidInput("%(problem)s.", code="invalid_event", problem=error.words) from error


def shown_item(item_id: str) -> Item:
    """The item to act on; raises ``NotFound``, which says whether it was deleted."""
    item = Item.objects.filter(external_id=item_id).defer("vector", "text").first()
    if item is None:
        raise NotFound(
            "There is no item %(item_id)r.", code="item_not_found", item_id=str(item_id)[:120]
        )
    if item.deleted_at is not None:
        raise NotFound(
            "The item %(item_id)r has been deleted.", code="item_deleted", item_id=item_id
        )
    return item


def interaction_remove(*, reader: Reader, event_id: str, origin: str = "") -> TakenBack:
    """Take back one event (undo). The opinion on the item that it replaced is held again.

    Of an event that was replaced itself nothing changes but that it does not come back.
    """
    with transaction.atomic():
        found = reader.interactions.filter(event_id=event_id).select_related("item").first()
        if found is None:
            return TakenBack(pass_over(reader=reader, event_id=event_id))
        found.delete()
        restored = give_back(found)
        cause = {"kind": "undo", "item_id": found.item.external_id, "title": found.item.title}
        announce(reader, cause, origin)
    return TakenBack(True, restored)


def item_forget(*, reader: Reader, item_id: str, kind: str | None = None, origin: str = "") -> int:
    """Remove an item (or what of ``kind`` was done to it) from the history; how many events."""
    with transaction.atomic():
        rows = reader.interactions.filter(item__external_id=item_id)
        rows = rows.filter(kind=kind) if kind else rows
        count, _ = rows.delete()
        forget_replaced(reader=reader, item_id=item_id, kind=kind)
        if count:
            cause = {"kind": "removed", "item_id": item_id, "title": _title(item_id)}
            announce(reader, cause, origin)
    return count


def _title(item_id: str) -> str:
    return Item.objects.filter(external_id=item_id).values_list("title", flat=True).first() or ""


def preference_set(
    *,
    reader: Reader,
    subject: str,
    value: str,
    stance: str | None,
    weight: int | None = None,
    origin: str = "",
) -> Preference | None:
    """Ask for more of a tag or an author, mute it, pause it, or (``None``) withdraw what was asked.

    ``weight``, from 1 to 3, says how much more; ``None`` leaves it as it is. Returns what was asked
    before, which undoes this when it is set again.
    """
    value = " ".join(value.split())
    if subject not in Preference.Subject.values or not 0 < len(value) <= 200:
        raise InvalidInput("Name a tag or an author.", code="invalid_preference")
    if stance is not None and stance not in Preference.Stance.values:
        raise InvalidInput(
            'stance is "more", "mute", "pause" or nothing.', code="invalid_preference"
        )
    if weight is not None and (type(weight) is not int or not 1 <= weight <= Preference.MOST):
        raise InvalidInput(
            "weight goes from 1 to %(most)s.", code="invalid_preference", most=Preference.MOST
        )
    with transaction.atomic():
        before = reader.preferences.filter(subject=subject, value=value).first()
        if stance is None:
            reader.preferences.filter(subject=subject, value=value).delete()
        else:
            Preference.objects.update_or_create(
                reader=reader,
                subject=subject,
                value=value,
                defaults={"stance": stance} | ({} if weight is None else {"weight": weight}),
            )
        cause = {"kind": stance or "withdrawn", "subject": subject, "title": value}
        announce(reader, cause, origin)
    return before


def wish_changed(*, reader: Reader, origin: str = "") -> None:
    """Tell the reader's open pages that the wish changed, in the caller's transaction."""
    announce(reader, {"kind": "wish", "title": reader.wish}, origin)


def announce(reader: Reader, cause: dict[str, Any], origin: str = "") -> None:
    """Tell the reader's open pages what changed, in the caller's transaction.

    ``origin`` names the command that did it, so that the page that sent it knows its own.
    """
    payload = {"cause": cause, "words": cause_words(cause), "origin": origin}
    events.publish(reader.stream, "feed.changed", payload)
