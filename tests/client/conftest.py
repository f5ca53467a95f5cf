"""The real ASGI application behind a real port, in a thread of the test's process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from apps.accounts.models import User
from apps.accounts.services import token_create
from apps.core import gateway
from bench.server import free_port
from ml.serving.fakes import FakeEngine


@pytest.fixture
def engine(transactional_db: None) -> FakeEngine:
    engine = FakeEngine()
    gateway.use_engine(engine)
    return engine


@pytest.fixture
def url(engine: FakeEngine) -> Iterator[str]:
    """Where the application is served."""
    from config.asgi import application

    port = free_port()
    config = uvicorn.Config(
        application, port=port, log_config=None, lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=20)


@pytest.fixture
def token(member: User) -> str:
    return token_create(user=member, name="client")[1]
