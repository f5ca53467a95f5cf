"""Fixtures of the whole suite: people, clients, sockets, and a clean process after each test."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from channels.testing import application as socket_testing
from django.conf import settings
from django.core.cache import cache
from django.db import close_old_connections, connections
from django.test import Client, TransactionTestCase

from apps.accounts.models import Role, User
from apps.core import gateway, tailer
from tests.emptying import empty_tables

# While it waits the communicator keeps every thread's connection open, for tests that are one
# transaction. Those with sockets are not: a server gives connections back, and so do they.
socket_testing.no_op = close_old_connections


def _empty_databases(case: TransactionTestCase) -> None:
    for using in case._databases_names(include_mirrors=False):
        empty_tables(using)


TransactionTestCase._fixture_teardown = _empty_databases

ORIGIN = (b"origin", b"http://localhost")
PASSWORD = "correct-horse-battery"

ClientFor = Callable[[User], Client]
AtOnce = Callable[..., list[Any]]
SocketFor = Callable[..., WebsocketCommunicator]

# Files of few tests that take long each, since they train or start servers; the longest first. Of
# the first two in the browser one makes the demo content, which the other does not need.
LONG = (
    *("browser/test_accessibility.py", "browser/test_loop.py", "browser/test_two_operators.py"),
    *("modelhub/test_kills.py", "ml/training/test_joint_learning.py"),
    *("ml/training/test_multi_task.py", "ml/training/test_processes.py"),
    *("support/test_kills.py", "market/test_kill_restart.py", "scaled/test_two_servers.py"),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Processes beside each other begin with what takes long, so that they end together."""
    if not hasattr(config, "workerinput"):
        return
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (places.get(item.path, len(LONG)), -tests[item.path]))


def require(condition: object, reason: str) -> None:
    """Skip the test unless ``condition`` holds; fail it where everything is required to run."""
    if condition:
        return
    if settings.REQUIRE_ALL:
        pytest.fail(reason)
    pytest.skip(reason)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other tasks and threads do; fail after ten seconds."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("what was waited for did not happen")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The database of the tests, which PostgreSQL removes only once nobody is connected to it."""
    yield
    SyncToAsync.single_thread_executor.submit(connections.close_all).result()


@pytest.fixture(autouse=True)
def clean_process() -> Iterator[None]:
    """Leave no rate limit, engine, broadcast or follower of one test to the next."""
    yield
    cache.clear()
    gateway.shut_down()
    channel_layers.backends.clear()
    tailer._followers.clear()


def _person(username: str, role: Role, **more: Any) -> User:
    return User.objects.create_user(
        username=username,
        first_name=username.removeprefix("the-").title(),
        password=PASSWORD,
        role=role,
        **more,
    )


@pytest.fixture
def member(db: None) -> User:
    return _person("the-member", Role.MEMBER)


@pytest.fixture
def operator(db: None) -> User:
    return _person("the-operator", Role.OPERATOR)


@pytest.fixture
def analyst(db: None) -> User:
    return _person("the-analyst", Role.ANALYST)


@pytest.fixture
def administrator(db: None) -> User:
    return _person("the-administrator", Role.ADMINISTRATOR, is_staff=True, is_superuser=True)


@pytest.fixture
def client_for() -> ClientFor:
    """``client_for(user)``: a client that is signed in; also from an asynchronous test."""
    return _client_for


@pytest.fixture
def socket_for() -> SocketFor:
    """``socket_for(path, user=None, headers=())``: a socket of the real ASGI application.

    It sends the origin ``http://localhost`` unless ``headers`` name an origin of their own
    (``(b"origin", b"")`` sends none), and the session cookie of ``user``.
    """
    return _socket_for


@pytest.fixture
def at_once(transactional_db: None) -> AtOnce:
    """``at_once(*actions)``: run them in threads, with connections of their own, from one moment.

    Returns, in order, what each returned or the exception that it raised.
    """
    return _at_once


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the Chromium that browser tests drive."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    require(path, "Chromium is not installed")
    return str(path)


def _at_once(*actions: Callable[[], Any]) -> list[Any]:
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        try:
            connections["default"].ensure_connection()
            start.wait(timeout=30)
            return action()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))


def _client_for(user: User) -> Client:
    client = Client()
    _apart_from_a_loop(lambda: client.force_login(user))
    return client


def _socket_for(
    path: str, user: User | None = None, headers: Sequence[tuple[bytes, bytes]] = ()
) -> WebsocketCommunicator:
    from config.asgi import application

    sent = [*headers]
    if not any(name == b"origin" for name, _ in sent):
        sent.append(ORIGIN)
    sent = [(name, value) for name, value in sent if (name, value) != (b"origin", b"")]
    if user is not None:
        session = _client_for(user).cookies[settings.SESSION_COOKIE_NAME].value
        sent.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()))
    return WebsocketCommunicator(application, path, headers=sent)


def _apart_from_a_loop(action: Callable[[], None]) -> None:
    """Run ``action``, which uses the ORM, in a thread of its own if this one runs an event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        action()
        return

    def run() -> None:
        try:
            action()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
