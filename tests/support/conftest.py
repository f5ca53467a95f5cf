from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.support import answerer, importing, knowledge, services
from apps.support.models import Conversation
from apps.support.visitors import COOKIE, visitor_token
from config.asgi import application
from ml.serving.fakes import FakeEngine

RULES = {
    "arrive": "card_arrival",
    "pin": "change_pin",
    "fee": "cash_withdrawal_charge",
}


class Silent:
    def update(self, done: int, total: int, message: str = "") -> None:
        return


@pytest.fixture(autouse=True)
def index_folder(settings: Any, tmp_path: Path) -> None:
    settings.SUPPORT_INDEX_DIR = tmp_path / "indexes" / "support"


@pytest.fixture(autouse=True)
def engine(index_folder: None) -> Iterator[FakeEngine]:
    """A language layer of this test alone, and no articles of an earlier one in memory."""
    engine = FakeEngine(classifications={"intent": RULES})
    previous = gateway.use_engine(engine)
    knowledge.forget()
    yield engine
    knowledge.forget()
    gateway.use_engine(previous)
    engine.close()


def _rows() -> list[importing.ArticleRow]:
    return [
        importing.ArticleRow(
            "card-arrival",
            "When will my card arrive?",
            "Cards take four to six working days.\n\nTrack yours under **Cards** in the app.",
            ("intent:card_arrival",),
            ("card still not here",),
        ),
        importing.ArticleRow(
            "change-pin",
            "How do I change my PIN?",
            "Change it at any cash machine.\n\nThe app shows the current one.",
            ("intent:change_pin",),
            (),
        ),
        importing.ArticleRow(
            "cash-fees",
            "Why was I charged for a cash withdrawal?",
            "The first 200 pounds a month are free.",
            ("intent:cash_withdrawal_charge",),
            (),
        ),
    ]


@pytest.fixture
def articles(transactional_db: None) -> list[importing.ArticleRow]:
    rows = _rows()
    importing.articles_import(rows=rows, progress=Silent())
    return rows


def user(name: str, role: str) -> User:
    return User.objects.create_user(
        username=name, first_name=name.title(), password="correct-horse", role=role
    )


@pytest.fixture
def olivia(db: None) -> User:
    return user("olivia-op", Role.OPERATOR)


@pytest.fixture
def omar(db: None) -> User:
    return user("omar-op", Role.OPERATOR)


@pytest.fixture
def mei(db: None) -> User:
    return user("mei-member", Role.MEMBER)


@pytest.fixture
def conversation(db: None) -> Conversation:
    return services.conversation_start(visitor=uuid.uuid4(), name="Vera")


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def widget_socket(visitor: uuid.UUID, *, origin: bytes = b"http://localhost") -> Any:
    cookie = f"{COOKIE}={visitor_token(visitor)}".encode()
    headers = [(b"origin", origin), (b"cookie", cookie)]
    return WebsocketCommunicator(application, "/ws/support/widget/", headers=headers)


def console_socket(client: Client) -> Any:
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    headers = [(b"origin", b"http://localhost"), (b"cookie", cookie)]
    return WebsocketCommunicator(application, "/ws/support/console/", headers=headers)


@pytest.fixture
async def turns_end(transactional_db: None) -> AsyncIterator[None]:
    """Ends a test when the bot has ended its turns.

    A turn that outlives the loop of its test waits for it for ever, and keeps the one thread of the
    database from all tests that follow.
    """
    yield
    loop = asyncio.get_running_loop()
    while running := [task for task in answerer._running if task.get_loop() is loop]:
        done, _ = await asyncio.wait(running, timeout=30)
        assert done, "the bot does not end its turns"


@pytest.fixture
def until() -> Callable[..., Awaitable[dict[str, Any]]]:
    """Reads frames of a socket until one fits, and returns it."""

    async def read(socket: Any, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(60):
            frame: dict[str, Any] = await socket.receive_json_from(timeout=10)
            if fits(frame):
                return frame
        raise AssertionError("no frame fits")

    return read
