from __future__ import annotations

import json
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Role
from apps.support import demo
from apps.support.models import Conversation, Macro, Message
from tests.support.conftest import Silent, user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def small_demo(settings: Any, tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "pin.md").write_text(
        '---\ntitle: The PIN\ntags: ["intent:change_pin"]\n---\nAt a machine.\n', encoding="utf-8"
    )
    (tmp_path / "flows").mkdir()
    shutil.copy(settings.DEMO_DIR / "flows" / "exchange-rate.yaml", tmp_path / "flows")
    shutil.copy(settings.DEMO_DIR / "ledger.json", tmp_path)
    settings.DEMO_DIR = tmp_path


def test_examples_are_played_once_and_fill_every_queue(small_demo: None) -> None:
    user("omar", Role.OPERATOR)
    for _ in range(2):
        demo.load_demo(Silent())
    assert Conversation.objects.count() == len(demo.EXAMPLES)
    states = set(Conversation.objects.values_list("state", flat=True))
    assert states == {"bot", "queued", "person", "resolved"}
    assert Message.objects.filter(author="bot").exists()
    assert len(set(Conversation.objects.values_list("active_at", flat=True))) > 5
    assert Macro.objects.count() == len(demo.MACROS)


class ScriptedSocket:
    """Acknowledges what it is sent, after an event."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, frame: str) -> None:
        self.sent.append(json.loads(frame))

    def __aiter__(self) -> ScriptedSocket:
        self._frames = iter(
            [json.dumps({"type": "event"}), json.dumps({"type": "ack", "id": self.sent[-1]["id"]})]
        )
        return self

    async def __anext__(self) -> str:
        return next(self._frames)


async def test_a_simulated_customer_waits_for_the_acknowledgement() -> None:
    socket = ScriptedSocket()
    await demo._say(socket, "hello")  # type: ignore[arg-type]
    (frame,) = socket.sent
    assert (frame["type"], frame["text"]) == ("message.send", "hello")
    assert uuid.UUID(frame["id"])
