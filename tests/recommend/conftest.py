from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.recommend import index
from apps.recommend.models import Reader
from ml.serving.fakes import FakeEngine
from tests.recommend.factories import ReaderFactory, load_books
from tests.recommend.large_catalogue import large as large


@pytest.fixture(autouse=True)
def engine(settings: Any, tmp_path: Path) -> Iterator[FakeEngine]:
    """A language layer of this test alone, and no catalogue or file of an earlier one."""
    settings.VAR_DIR = tmp_path
    engine = FakeEngine()
    previous = gateway.use_engine(engine)
    index.reset()
    yield engine
    gateway.use_engine(previous)
    engine.close()


@pytest.fixture
def books(db: None) -> None:
    load_books()


@pytest.fixture
def reader(db: None) -> Reader:
    return ReaderFactory()


def _user(name: str, role: str) -> User:
    return User.objects.create_user(username=name, password="correct-horse", role=role)


@pytest.fixture
def mei(db: None) -> User:
    return _user("mei-reader", Role.MEMBER)


@pytest.fixture
def keeper(db: None) -> User:
    """An administrator."""
    return _user("keeper", Role.ADMINISTRATOR)


@pytest.fixture
def keeper_client(keeper: User) -> Client:
    client = Client()
    client.force_login(keeper)
    return client
