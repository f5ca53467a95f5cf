"""What a rule would change on a reader's page, before it is saved."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import Max
from django.utils.translation import gettext

from apps.recommend.feed import Row
from apps.recommend.index import Snapshot
from apps.recommend.models import BusinessRule, Reader
from apps.recommend.page import page_inputs, rows_of
from apps.recommend.policy_source import fits, rulings
from apps.recommend.rule_words import rule_sentence


@dataclass(frozen=True, slots=True)
class Move:
    """An item of the first row after the change, with its place before (``None``: not there)."""

    item_id: str
    title: str
    place: int
    before: int | None

    @property
    def by(self) -> int:
        """Places won (lost when below 0)."""
        return 0 if self.before is None else self.before - self.place


@dataclass(frozen=True, slots=True)
class Preview:
    """``fits`` items are meant; ``gone`` are the titles that leave the reader's first row."""

    sentence: str
    fits: int
    reader: str
    after: list[Move]
    gone: list[str]

    @property
    def changes(self) -> bool:
        return bool(self.gone) or any(move.by or move.before is None for move in self.after)


def sample_reader() -> Reader | None:
    """The reader who has done something last."""
    latest = Reader.objects.annotate(at=Max("interactions__at")).exclude(at=None)
    return latest.order_by("-at").first()


def shown_fits(rule: BusinessRule, snapshot: Snapshot) -> int:
    """How many of the items that readers are shown the rule is about."""
    return int((fits(rule, snapshot) & snapshot.shown).sum())


def rule_preview(draft: BusinessRule, reader: Reader | None) -> Preview:
    """Compare the page of ``reader`` under the rules as they are and with ``draft`` in force."""
    inputs = page_inputs(reader)
    snapshot = inputs.snapshot
    policy = inputs.policy
    others = tuple(ruling for ruling in policy.rulings if ruling.rule_id != draft.pk)
    own = BusinessRule(
        pk=draft.pk,
        name=draft.name,
        action=draft.action,
        conditions=draft.conditions,
        amount=draft.amount,
        per=draft.per,
        priority=draft.priority,
    )
    new = rulings([own], snapshot) if draft.enabled else ()
    before, after = (
        _first_row(rows_of(replace(inputs, policy=wanted)), snapshot)
        for wanted in (policy, replace(policy, rulings=(*others, *new)))
    )
    places = {item_id: place for place, (item_id, _) in enumerate(before, start=1)}
    kept = {item_id for item_id, _ in after}
    return Preview(
        sentence=rule_sentence(draft),
        fits=shown_fits(draft, snapshot),
        reader=str(reader) if reader else gettext("a new reader"),
        after=[
            Move(item_id, title, place, places.get(item_id))
            for place, (item_id, title) in enumerate(after, start=1)
        ],
        gone=[title for item_id, title in before if item_id not in kept],
    )


def _first_row(rows: list[Row], snapshot: Snapshot) -> list[tuple[str, str]]:
    picks = rows[0].picks if rows else ()
    entries = [snapshot.entries[pick.position] for pick in picks]
    return [(entry.external_id, entry.title) for entry in entries]
