"""Opinions on an item: which one is held, what it replaced, and giving that back."""

from __future__ import annotations

from collections.abc import Iterable

from apps.recommend.models import Interaction, Kind, Reader, ReplacedEvent

EXCLUSIVE = ((Kind.LIKE, Kind.DISLIKE, Kind.NOT_INTERESTED), (Kind.RATING,))
"""Opinions on an item: of each group a reader holds one at a time."""
_SAME = ("reader_id", "event_id", "at", "item_id", "kind", "value", "source", "counts")
"""What an opinion has both while it is held and once it is replaced."""


def is_opinion(kind: str) -> bool:
    return any(kind in group for group in EXCLUSIVE)


def takes_place(wanted: Interaction) -> bool:
    """Remove the opinions that ``wanted`` replaces; false when a newer one has replaced it."""
    reader = wanted.reader
    if reader.replaced_events.filter(event_id=wanted.event_id).exists():
        return False
    group = next(group for group in EXCLUSIVE if wanted.kind in group)
    held = list(reader.interactions.filter(item=wanted.item, kind__in=group))
    newer = [opinion for opinion in held if opinion.at > wanted.at]
    if newer:
        keep_replaced([(wanted, newer[-1].event_id)])
        return False
    keep_replaced([(opinion, wanted.event_id) for opinion in held])
    reader.interactions.filter(pk__in=[opinion.pk for opinion in held]).delete()
    return True


def keep_replaced(opinions: Iterable[tuple[Interaction, str]]) -> None:
    """Remember opinions as replaced, each by the event that is named with it."""
    ReplacedEvent.objects.bulk_create(
        [
            ReplacedEvent(by=by, **{name: getattr(opinion, name) for name in _SAME})
            for opinion, by in opinions
        ],
        ignore_conflicts=True,
    )


def give_back(taken: Interaction) -> Interaction | None:
    """Hold again the latest opinion that ``taken``, which is no longer held, had replaced."""
    replaced = taken.reader.replaced_events.filter(by=taken.event_id)
    last = replaced.order_by("-at", "-pk").first()
    if last is None:
        return None
    restored = Interaction(**{name: getattr(last, name) for name in _SAME})
    restored.save(force_insert=True)
    last.delete()
    replaced.update(by=restored.event_id)
    return restored


def pass_over(*, reader: Reader, event_id: str) -> bool:
    """Let a replaced opinion never come back; whether it could have.

    What it had replaced itself comes back in its stead.
    """
    found = reader.replaced_events.filter(event_id=event_id).exclude(by="").first()
    if found is None:
        return False
    reader.replaced_events.filter(by=event_id).update(by=found.by)
    _empty(reader, pk=found.pk)
    return True


def forget_replaced(*, reader: Reader, item_id: str, kind: str | None) -> None:
    """Keep nothing but the event ids of replaced opinions on an item (those of ``kind``)."""
    _empty(reader, item__external_id=item_id, **({"kind": kind} if kind else {}))


def _empty(reader: Reader, **which: object) -> None:
    rows = reader.replaced_events.filter(**which)
    rows.update(by="", item=None, kind="", value=None, source="")
