"""A PostgreSQL and a Redis for the tests of this folder, and two servers that share them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.server import RunningServer
from tests.conftest import require
from tests.scaled.services import Postgres, Redis, missing

POOL = 4  # connections of a server at most
PEOPLE = (
    "from apps.accounts.services import demo_users_load; "
    "from apps.core.jobs import NoProgress; demo_users_load(NoProgress())"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers, as on two machines, with the services that they share."""

    first: RunningServer
    second: RunningServer
    postgres: Postgres
    redis: Redis
    database: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    reason = missing()
    require(not reason, reason)
    with Postgres() as postgres:
        yield postgres


@pytest.fixture(scope="session")
def people(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a migrated database with the demo people, to be copied."""
    name = "people"
    server = RunningServer(tmp_path_factory.mktemp(name), DATABASE_URL=postgres.create(name))
    server.prepare()
    server.manage("shell", "-v", "0", "-c", PEOPLE)
    return name


@pytest.fixture
def redis(postgres: Postgres) -> Iterator[Redis]:
    """Of each test its own, since a test may stop it."""
    with Redis() as redis:
        yield redis


@pytest.fixture
def pair(postgres: Postgres, people: str, redis: Redis, tmp_path: Path) -> Iterator[Pair]:
    """Two servers with the deterministic language layer, the demo people and nothing else."""
    name = f"pair_{redis.port}"
    shared = {
        "DATABASE_URL": postgres.create(name, like=people),
        "DATABASE_POOL": str(POOL),
        "REDIS_URL": redis.url,
        "TREFOIL_SECRET_KEY": "shared-by-the-servers-of-a-test",
        "ML_BACKEND": "fake",
    }
    with (
        RunningServer(tmp_path / "first", **shared) as first,
        RunningServer(tmp_path / "second", **shared) as second,
    ):
        for server in (first, second):
            server.start()
        yield Pair(first, second, postgres, redis, name)
