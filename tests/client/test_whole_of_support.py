"""Each operation of the API of Support has its method in the client, and does what it says."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from django.urls import resolve

from apps.accounts.models import Role, User
from apps.accounts.services import token_create
from apps.support import api, services
from apps.support.models import Conversation
from trefoil_client import Bot, Chat, Desk, Office, TrefoilError
from trefoil_client.connection import Connection

PART = "api/v1/support/"
VERBS = ("get", "post", "put", "patch", "delete")
ONLY_COOKIES = {("DELETE", f"{PART}visitor/identity/")}
"""What only a browser needs: another program forgets its token."""

Asked = set[tuple[str, str]]


@pytest.fixture
def ada(transactional_db: None) -> User:
    return User.objects.create_user(username="ada", first_name="Ada", role=Role.ADMINISTRATOR)


@pytest.fixture
def ada_token(ada: User) -> str:
    return token_create(user=ada, name="office")[1]


@pytest.fixture
def conversation(transactional_db: None) -> Conversation:
    found = services.conversation_start(visitor=uuid.uuid4(), name="Vera")
    services.message_receive(conversation_id=found.pk, text="where is my card", client_id="1")
    return found


def listen(connection: Connection, asked: Asked) -> None:
    def hear(request: httpx.Request) -> None:
        asked.add((request.method, resolve(request.url.path).route))

    connection._http.event_hooks = {"request": [hear]}


def attempt(*calls: Callable[[], Any]) -> None:
    """Make the calls; that the server refuses one is an answer too."""
    for call in calls:
        with contextlib.suppress(TrefoilError):
            found = call()
            if isinstance(found, Iterator):
                list(found)


def test_each_operation_has_its_method(
    url: str, ada_token: str, conversation: Conversation
) -> None:
    asked: Asked = set()
    visitor, of = str(conversation.visitor), str(conversation.pk)
    with (
        Bot(url, ada_token) as bot,
        Office(url, ada_token) as office,
        Desk(url, ada_token) as desk,
        Chat.open(url) as chat,
    ):
        for one in (bot, office, desk, chat):
            listen(one, asked)
        attempt(*_of_the_bot(bot), *_of_the_office(office, visitor))
        attempt(*_of_the_desk(desk, of), *_of_a_customer(chat))
    asked.add(("POST", f"{PART}visitor/"))  # by which the chat was opened
    wanted = {
        (verb.upper(), f"{PART}{pattern.pattern}")
        for pattern in api.urlpatterns
        for verb in VERBS
        if hasattr(pattern.callback.cls, verb)
    }
    assert asked == wanted - ONLY_COOKIES


def _of_the_bot(bot: Bot) -> list[Callable[[], Any]]:
    row = {"id": "late", "title": "Late?", "body": "Wait."}
    return [
        bot.articles,
        lambda: bot.write("late", title="Late?", body="Wait."),
        lambda: bot.write_all([row]),
        lambda: bot.upload({"late.md": b"# Late\n\nWait."}, preview="true"),
        lambda: bot.article("late"),
        lambda: bot.versions("late"),
        lambda: bot.restore("late", 1),
        lambda: bot.health("late"),
        lambda: bot.delete("late"),
        bot.gaps,
        lambda: bot.draft_gap(1),
        lambda: bot.dismiss_gap(1),
        lambda: bot.dismiss_gap(1, back=True),
        bot.corrected_articles,
        bot.flows,
        lambda: bot.flow("none"),
        lambda: bot.flow_version("none", 1),
        lambda: bot.check_flow("x"),
        lambda: bot.preview_flow("x", ["hello"]),
        lambda: bot.draft_flow("x"),
        lambda: bot.test_flow("none", 1),
        lambda: bot.publish_flow("none", 1),
        lambda: bot.switch_flow("none", enabled=False),
        bot.webhooks,
        lambda: bot.webhook(1),
        lambda: bot.add_webhook("x", "y", []),
        lambda: bot.change_webhook(1, enabled=False),
        lambda: bot.test_webhook(1),
        lambda: bot.renew_secret(1),
        bot.deliveries,
        lambda: bot.resend(1),
        lambda: bot.delete_webhook(1),
    ]


def _of_the_office(office: Office, visitor: str) -> list[Callable[[], Any]]:
    calls: list[Callable[[], Any]] = []
    for rows in (office.teams, office.policies, office.macros, office.retention):
        calls += [rows.all, lambda rows=rows: rows.add(name="x"), lambda rows=rows: rows.delete(9)]
        calls.append(lambda rows=rows: rows.replace(9, name="x"))
    return [
        *calls,
        office.presence,
        lambda: office.set_away(away=True),
        lambda: office.set_duty(1, capacity=3),
        office.hours,
        lambda: office.set_hours(zone="UTC", week={}),
        office.views,
        lambda: office.keep_view("x", q="card"),
        lambda: office.drop_view(9),
        lambda: office.retention_preview(9),
        office.promises,
        lambda: office.promise("x", [], None),
        lambda: office.promise("x", [], None, id=9),
        lambda: office.drop_promise(9),
        office.report,
        lambda: office.report_conversations("automated"),
        office.report_mail,
        lambda: office.set_report_mail("never"),
        office.replays,
        lambda: office.replay(str(uuid.uuid4())),
        office.start_replay,
        office.customers,
        lambda: office.customer(visitor),
        lambda: office.export(visitor),
        lambda: office.erase(str(uuid.uuid4())),
        office.erasures,
        office.audit,
    ]


def _of_the_desk(desk: Desk, of: str) -> list[Callable[[], Any]]:
    calls: list[Callable[[], Any]] = []
    for what in ("intent", "entities", "article", "tone"):
        calls += [
            lambda what=what: desk.said(of, 1, what),
            lambda what=what: desk.correct(of, 1, what),
            lambda what=what: desk.take_back(of, 1, what),
        ]
    return [
        *calls,
        desk.counts,
        desk.conversations,
        lambda: desk.messages(of),
        lambda: desk.take(of),
        lambda: desk.reply(of, "Hello"),
        lambda: desk.note(of, "A note"),
        lambda: desk.notes(of),
        lambda: desk.assign(of, 1, expected=None),
        lambda: desk.sort(of, priority=1),
        lambda: desk.snooze(of, None),
        lambda: desk.transfer(of, note="yours"),
        lambda: desk.merge(of, of),
        lambda: desk.handle([of], "resolve"),
        lambda: desk.summary(of),
        lambda: desk.suggestions(of),
        lambda: desk.search("card"),
        lambda: desk.release(of),
        lambda: desk.resolve(of),
    ]


def _of_a_customer(chat: Chat) -> list[Callable[[], Any]]:
    return [
        lambda: chat.send("hello"),
        chat.messages,
        chat.ask_for_person,
        lambda: chat.rate(good=True),
        lambda: chat.identify("forged"),
    ]


def test_a_lead_sets_up_the_desk_and_reads_what_came_of_it(
    url: str, ada: User, ada_token: str, conversation: Conversation
) -> None:
    of = str(conversation.pk)
    with Office(url, ada_token) as office, Desk(url, ada_token) as desk:
        team = office.teams.add(name="Cards", assignment="skill", matters=["card arrival"])
        changed = office.teams.replace(team["id"], name="Cards", member_ids=[ada.pk])
        assert changed["member_ids"] == [ada.pk]
        assert desk.assign(of, ada.pk, expected=None).assignee == "Ada"
        assert desk.sort(of, priority=1, tags=["late"]).tags == ("late",)
        desk.snooze(of, datetime.now(UTC) + timedelta(days=2))
        assert [one.id for one in desk.conversations("snoozed")] == [of]
        assert desk.transfer(of, team=team["id"], note="Please").team == "Cards"
        assert [note["text"] for note in desk.notes(of)] == ["Please"]
        assert desk.correct(of, 1, "tone", label="negative")["label"] == "negative"
        assert office.report()["conversations"] == 1
        assert office.report_table("days").startswith("day,conversations,automated")
        assert [row["id"] for row in office.report_conversations("automated")] == [of]
        assert {"conversation.assigned"} <= {row["action"] for row in office.audit()}
        (person,) = office.customers("Vera")
        assert office.export(person["visitor"])["conversations"]
        assert office.erase(person["visitor"], reason="asked")["reason"] == "asked"
        assert office.customers() == []
        office.teams.delete(team["id"])
        assert office.teams.all() == []


def test_an_editor_keeps_what_the_bot_knows(url: str, ada_token: str) -> None:
    with Bot(url, ada_token) as bot:
        assert bot.write("late", title="Late?", body="Wait.")["version"] == 1
        bot.write("late", title="Late?", body="Wait a week.", published=False)
        assert [row["number"] for row in bot.versions("late")] == [2, 1]
        assert bot.restore("late", 1)["body"] == "Wait."
        assert [row["slug"] for row in bot.articles()] == ["late"]
        assert bot.check_flow("name: 1")["problems"]
        bot.delete("late")
        with pytest.raises(TrefoilError) as refused:
            bot.article("late")
        assert refused.value.status == 404
