from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.core import gateway
from apps.market.models import Company
from apps.market.selectors import kept, meanings, sector_map
from ml.serving.fakes import FakeEngine
from tests.market.factories import RULES, CompanyFactory
from tests.market.receivers import Receiver, receiving


@pytest.fixture(autouse=True)
def engine() -> Iterator[FakeEngine]:
    """A language layer of this test alone, whose rules the test knows."""
    engine = FakeEngine(RULES)
    previous = gateway.use_engine(engine)
    yield engine
    gateway.use_engine(previous)
    engine.close()


@pytest.fixture(autouse=True)
def no_kept_indexes() -> None:
    """Each test has a database, so indexes and an archive, of its own."""
    sector_map.forget()
    meanings.forget()
    kept.forget()


@pytest.fixture
def halvern(db: None) -> Company:
    return CompanyFactory(ticker="HALV", name="Halvern Steel", aliases=["Halvern"])


@pytest.fixture
def skyrill(db: None) -> Company:
    return CompanyFactory(ticker="SKYL", name="Skyrill Airlines", aliases=["Skyrill"])


@pytest.fixture
def colleague(db: None) -> User:
    """Another analyst, who must not see what is the first one's."""
    return User.objects.create_user(
        username="colleague", password="correct-horse", role=Role.ANALYST
    )


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver of webhooks that may be sent to though it is on this machine."""
    with receiving() as receiver:
        settings.FETCH_ALLOWED_HOSTS = [receiver.host]
        yield receiver
