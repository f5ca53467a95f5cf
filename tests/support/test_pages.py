"""The list page by page: each conversation once, in the tab's order, while the list moves."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support import selectors
from apps.support.models import Conversation, Team
from apps.support.urgency import pressure
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db
API = "/api/v1/support/conversations/"
State = Conversation.State


def several(number: int, **fields: Any) -> list[Conversation]:
    """Conversations of one state, three of them at each moment."""
    now = timezone.now()
    rows = [
        Conversation(
            visitor=uuid.uuid4(),
            active_at=now - timedelta(minutes=at // 3),
            queued_at=now - timedelta(minutes=at // 3),
            priority=1 + at % 4,
            **fields,
        )
        for at in range(number)
    ]
    for row in rows:
        if (pressing := pressure(row)) is not None:
            row.rank_at = pressing.rank_at
    return Conversation.objects.bulk_create(rows)


def walked(client: Any, tab: str, size: int = 4, **asked: Any) -> list[str]:
    """The ids of all pages, as a program follows ``next``."""
    url: str | None = f"{API}?tab={tab}&page_size={size}"
    found: list[str] = []
    while url:
        page = client.get(url, asked if not found else None).json()
        found += [row["id"] for row in page["results"]]
        url = page["next"]
    return found


def placed(tab: str, row: Conversation) -> Any:
    """What decides where a row stands in a tab."""
    return {"waiting": row.rank_at, "snoozed": row.snoozed_until}.get(tab, row.active_at)


@pytest.mark.parametrize("tab", ["waiting", "unassigned", "snoozed", "all", "resolved"])
def test_each_page_goes_on_where_the_last_one_ended(tab: str, olivia: User) -> None:
    states = {"waiting": State.QUEUED, "resolved": State.RESOLVED}
    for row in several(13, state=states.get(tab, State.BOT)):
        if tab == "snoozed":
            row.snoozed_until = row.active_at + timedelta(days=1)
            row.save()
    found = walked(client_of(olivia), tab)
    assert len(found) == len(set(found)) == 13
    rows = Conversation.objects.in_bulk(found)
    wanted = selectors.conversation_list(tab=tab, operator=olivia)
    assert [placed(tab, rows[uuid.UUID(one)]) for one in found] == [
        placed(tab, row) for row in wanted
    ]


def test_what_moves_meanwhile_neither_repeats_nor_hides_a_row(olivia: User) -> None:
    rows = several(9, state=State.BOT)
    first = selectors.conversation_page(tab="all", operator=olivia, size=4)
    moved = first.rows[3]
    Conversation.objects.filter(pk=moved.pk).update(active_at=timezone.now())
    (new,) = several(1, state=State.BOT)
    rest = selectors.conversation_page(tab="all", operator=olivia, cursor=first.next or "", size=50)
    assert rest.next is None
    found = [*first.rows, *rest.rows]
    assert {row.pk for row in found} == {row.pk for row in rows}
    assert len(found) == 9
    assert new not in found  # it stands above all that were asked for


def test_a_page_narrowed_and_within_sight(olivia: User, omar: User) -> None:
    rows = several(6, state=State.BOT, preview="x", subject="lost card")
    team = Team.objects.create(name="Fraud", private=True)
    team.members.add(omar)
    Conversation.objects.filter(pk__in=[row.pk for row in rows[:2]]).update(team=team)
    several(3, state=State.BOT)
    assert len(walked(client_of(olivia), "all", q="lost")) == 4
    assert len(walked(client_of(omar), "all", q="lost")) == 6


@pytest.mark.parametrize("cursor", ["x", "bm8=", "WyJhIl0=", "WyIyMDI2LTAxLTAxIiwgIngiXQ=="])
def test_a_cursor_of_nothing_is_refused(cursor: str, olivia: User) -> None:
    with pytest.raises(InvalidInput):
        selectors.conversation_page(tab="all", operator=olivia, cursor=cursor)
    answer = client_of(olivia).get(f"{API}?cursor={cursor}")
    assert (answer.status_code, answer.json()["fields"]) == (
        422,
        {"cursor": "no cursor of this list"},
    )


def test_the_console_comes_with_the_first_rows_and_the_number_of_all(olivia: User) -> None:
    several(103, state=State.BOT)
    listed = client_of(olivia).get("/support/?tab=all").context["listed"]
    assert (len(listed["rows"]), listed["total"]) == (100, 103)
    rest = client_of(olivia).get(f"{API}?tab=all&cursor={listed['cursor']}").json()
    assert (len(rest["results"]), rest["next"]) == (3, None)
    for wrong in ("0", "501", "many", "-1"):
        assert client_of(olivia).get(f"{API}?page_size={wrong}").status_code == 422
