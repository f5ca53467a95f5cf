"""Servers that a test may kill: forked of a process that has loaded the suite, so that each starts
in a moment.

``python -m tests.support.killing.serving`` makes a database in ``TREFOIL_VAR`` and writes one JSON
line: cookies of visitors with a conversation each, an operator's cookie and what they have taken.
For each line ``<port> [<stage>]`` on its input it forks a server and writes its process id. A
server with a stage (``module.function``) dies by SIGKILL when it comes there, once SIGUSR1 armed
it, which it confirms with a line.
"""

from __future__ import annotations

import json
import os
import pkgutil
import signal
import sys
import uuid
from importlib import import_module
from typing import Any

RULES = {"pin": "change_pin"}
NUMBER = 8


class _NoMigrations(dict[str, None]):
    """Tables are made from the models, as in the tests."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> None:
        return None


def main() -> None:
    import uvicorn

    from config.asgi import application  # it loads the suite

    import_module("ml.serving.fakes")  # each server needs it
    uvicorn.Config(application).load()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    say(prepare())
    for line in sys.stdin:
        port, _, stage = line.strip().partition(" ")
        child = os.fork()
        if child == 0:
            serve(int(port), stage)
            os._exit(0)
        say(child)


def say(content: Any) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


def prepare() -> dict[str, Any]:
    """The tables, an article, people and conversations; no connection is left open."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connections
    from django.test import Client

    from apps.accounts.models import Role, User
    from apps.support import services
    from apps.support.models import Article
    from apps.support.visitors import COOKIE, visitor_token

    settings.MIGRATION_MODULES = _NoMigrations()
    call_command("migrate", run_syncdb=True, verbosity=0)
    Article.objects.create(
        slug="pin",
        title="How do I change my PIN?",
        body="At a machine.",
        tags=["intent:change_pin"],
    )
    olivia = User.objects.create_user(username="olivia", first_name="Olivia", role=Role.OPERATOR)
    client = Client()
    client.force_login(olivia)
    visitors, taken = [], []
    for _ in range(NUMBER):
        visitor = uuid.uuid4()
        services.conversation_start(visitor=visitor)
        visitors.append(f"{COOKIE}={visitor_token(visitor)}")
        row = services.conversation_start(visitor=uuid.uuid4())
        services.conversation_take(conversation_id=row.pk, operator=olivia)
        taken.append(str(row.pk))
    connections.close_all()
    session = client.cookies["sessionid"].value
    return {"visitors": visitors, "operator": f"sessionid={session}", "taken": taken}


def serve(port: int, stage: str) -> None:
    """Serve with rules in the place of models; what other apps do beside requests is left out."""
    import uvicorn

    from apps.core import gateway, lifespan
    from config.asgi import application
    from ml.serving.fakes import FakeEngine

    for name in [name for name in lifespan._services if name != "support-answerer"]:
        del lifespan._services[name]
    gateway.use_engine(FakeEngine(classifications={"intent": RULES}))
    signal.signal(signal.SIGUSR1, lambda *_: arm(stage))
    uvicorn.run(application, host="127.0.0.1", port=port, log_level="error")


def arm(stage: str) -> None:
    owner, _, name = stage.rpartition(".")
    setattr(pkgutil.resolve_name(owner), name, die)
    say("armed")


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
