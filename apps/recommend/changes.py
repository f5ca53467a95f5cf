"""What one deed or one wish changes on a reader's page: the page with it beside that without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext, ngettext

from apps.recommend.feed import Row
from apps.recommend.page import PageInputs, ranked_of, rows_of
from apps.recommend.taste import Taste
from apps.recommend.words import listed

SUBJECTS = 40
"""The strongest subjects whose weights are compared."""
_LEAST_SHIFT = 0.05


@dataclass(frozen=True, slots=True)
class Shift:
    """A subject whose weight changed."""

    tag: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Change:
    """The items, by position, that left the page and that came, and the subjects that shifted."""

    left: tuple[int, ...]
    came: tuple[int, ...]
    shifts: tuple[Shift, ...]


def taste_without(taste: Taste, *, position: int | None = None, name: str = "") -> Taste:
    """``taste`` without what was done to one item, and as if a tag or author were not muted."""
    return replace(
        taste,
        deeds=tuple(deed for deed in taste.deeds if deed.position != position),
        muted_tags=taste.muted_tags - {name},
        muted_authors=taste.muted_authors - {name},
    )


def changed_by(inputs: PageInputs, without: Taste, *, position: int | None = None) -> Change:
    """What the page of ``inputs`` has lost and won against one for the taste ``without``.

    The item at ``position``, which the deed was done to, is not told of.
    """
    earlier = replace(inputs, taste=without)
    before, after = _shown(rows_of(earlier)), _shown(rows_of(inputs))
    return Change(
        left=tuple(at for at in before if at not in after and at != position),
        came=tuple(at for at in after if at not in before and at != position),
        shifts=_shifts(earlier, inputs),
    )


def _shown(rows: Sequence[Row]) -> dict[int, None]:
    return dict.fromkeys(pick.position for row in rows for pick in row.picks)


def _shifts(earlier: PageInputs, now: PageInputs) -> tuple[Shift, ...]:
    before = dict(ranked_of(earlier).tag_weights(SUBJECTS))
    after = dict(ranked_of(now).tag_weights(SUBJECTS))
    shifts = [
        Shift(tag, before.get(tag, 0.0), after.get(tag, 0.0))
        for tag in before.keys() | after.keys()
    ]
    moved = [shift for shift in shifts if abs(shift.after - shift.before) > _LEAST_SHIFT]
    return tuple(sorted(moved, key=lambda shift: (shift.after - shift.before, shift.tag)))


def change_payload(change: Change, inputs: PageInputs) -> dict[str, Any]:
    """A change as JSON, with the same in ``words`` for the reader."""
    titles = [inputs.snapshot.entries[at].title for at in change.left]
    less = [shift.tag for shift in change.shifts if shift.after < shift.before]
    said = []
    if titles:
        said.append(gettext("%(titles)s left your page") % {"titles": listed(titles)})
    if change.came:
        said.append(gettext("%(n)s came instead") % {"n": len(change.came)})
    if less:
        words = ngettext("%(tags)s counts less", "%(tags)s count less", len(less))
        said.append(words % {"tags": listed(less)})
    return {
        "left": titles,
        "came": [inputs.snapshot.entries[at].title for at in change.came],
        "subjects": [
            {"tag": shift.tag, "before": round(shift.before, 2), "after": round(shift.after, 2)}
            for shift in change.shifts
        ],
        "words": gettext("; ").join(said) or gettext("nothing else on your page changed"),
    }
