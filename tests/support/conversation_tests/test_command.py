from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.core import gateway
from apps.core.models import Event
from apps.support import importing
from apps.support.models import BotTurn, Conversation, Message
from ml.serving.fakes import FakeEngine

TEXT = """
conversations:
  - name: a late card
    path: happy
    turns:
      - {customer: has it arrived yet, bot: answer, cites: card-arrival, says: working days}
      - {customer: thanks, bot: chat, never_says: card}
  - name: a person
    path: unhappy
    turns:
      - {customer: "talk to a person, card 4242 4242 4242 4242", bot: hand_over,
         stored: "talk to a person, card [card]"}
      - {customer: anyone, bot: silent}
"""


@pytest.fixture(autouse=True)
def runs(settings: Any, tmp_path: Path) -> Path:
    folder: Path = tmp_path / "runs"
    settings.SUPPORT_TEST_RUNS_DIR = folder
    return folder


def played(tmp_path: Path, text: str, *options: str, fails: bool = False) -> dict[str, Any]:
    file = tmp_path / "conversations.yaml"
    file.write_text(text, encoding="utf-8")
    out = StringIO()
    if fails:
        with pytest.raises(SystemExit) as status:
            call_command("test_bot", str(file), "--json", *options, stdout=out)
        assert status.value.code == 1
    else:
        call_command("test_bot", str(file), "--json", *options, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return report | {"shown": out.getvalue()}


def test_conversations_that_go_well_pass_and_leave_no_trace(
    articles: list[importing.ArticleRow], tmp_path: Path
) -> None:
    events = Event.objects.count()
    report = played(tmp_path, TEXT)
    assert (report["n"], report["turns"], report["passed"], report["failed"]) == (2, 4, 2, 0)
    assert report["paths"] == {"happy": 1, "unhappy": 1}
    assert not Conversation.objects.exists()
    assert not Message.objects.exists()
    assert not BotTurn.objects.exists()
    assert Event.objects.count() == events


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("cites: card-arrival", "cites: change-pin", "cites 'card-arrival', not 'change-pin'"),
        ("bot: answer", "bot: clarify", "the bot did 'answer'"),
        ("says: working days", "says: next year", "does not say 'next year'"),
        ("never_says: card", "never_says: welcome", "it says 'welcome'"),
        ("card [card]", "card 42", "is stored as 'talk to a person, card [card]'"),
        ("bot: silent", "bot: chat", "the bot did 'silent'"),
        ("bot: chat,", "bot: chat, entities: {amount: '5'},", "no amount '5' among"),
        ("customer: thanks,", "chooses: change-pin,", "'change-pin' was not offered"),
    ],
)
def test_what_goes_wrong_is_told_with_its_turn(
    articles: list[importing.ArticleRow], tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    report = played(tmp_path, TEXT.replace(right, wrong), fails=True)
    assert report["failed"] == 1
    assert said in report["failures"][0]["turns"][-1]["problems"][0]
    assert said in report["shown"]


def test_another_model_is_compared_with_the_last_one(
    articles: list[importing.ArticleRow], tmp_path: Path
) -> None:
    assert played(tmp_path, TEXT)["against"] is None
    other = FakeEngine({"intent": {"arrive": "change_pin"}})
    other.models.promote("intent", "fake-2")
    gateway.use_engine(other)
    report = played(tmp_path, TEXT, fails=True)
    assert report["against"]["models"]["intent"] != report["models"]["intent"]
    assert [(change["kind"], change["name"]) for change in report["changes"]] == [
        ("broken", "a late card")
    ]
    again = played(tmp_path, TEXT, fails=True)
    other.close()
    assert again["against"] == report["against"], "it is still compared with the other models' run"


def test_one_conversation_can_be_played_and_is_not_recorded(
    articles: list[importing.ArticleRow], tmp_path: Path, runs: Path
) -> None:
    assert played(tmp_path, TEXT, "--only", "late")["n"] == 1
    assert not runs.exists()


def test_bad_input_ends_with_one_clear_line(
    articles: list[importing.ArticleRow], tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="no such file"):
        call_command("test_bot", str(tmp_path / "none.yaml"))
    file = tmp_path / "run.json"
    file.write_text("[]", encoding="utf-8")
    (tmp_path / "c.yaml").write_text(TEXT, encoding="utf-8")
    with pytest.raises(CommandError, match="not a recorded run"):
        call_command("test_bot", str(tmp_path / "c.yaml"), "--against", str(file))
    with pytest.raises(CommandError, match="No conversation's name holds 'zebra'"):
        call_command("test_bot", str(tmp_path / "c.yaml"), "--only", "zebra")
