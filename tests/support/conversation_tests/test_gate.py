"""Written conversations in the gate: a candidate must hold what the live version holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.core import gateway
from apps.core.jobs import NoProgress
from apps.modelhub.gate_checks import judged_by_apps
from apps.support import importing
from apps.support.models import Conversation
from ml.serving.fakes import FakeClassifier, FakeEngine
from ml.serving.protocol import of_version
from tests.support.conversation_tests.test_command import TEXT


@pytest.fixture
def candidate(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> str:
    """A version of ``intent`` that takes questions about arrival for questions about PINs."""
    (info,) = [one for one in gateway.models() if one.task == "intent"]
    worse = FakeClassifier(replace(info, version="next"), {"arrive": "change_pin"})
    load = engine.models.load
    monkeypatch.setattr(
        engine.models, "load", lambda unit: worse if of_version(unit)[1] == "next" else load(unit)
    )
    return "next"


def judged(candidate: str, live: str) -> dict[str, Any]:
    gate = {"passed": True, "live": live, "checks": []}
    return judged_by_apps(gate, task="intent", candidate=candidate, progress=NoProgress())


def test_a_candidate_that_loses_a_conversation_fails_its_gate(
    articles: list[importing.ArticleRow], tmp_path: Path, settings: Any, candidate: str
) -> None:
    live = gateway.classify("intent", ["hello"])[0].version
    assert judged(candidate, live)["checks"] == [], "no folder of conversations is named"
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "cards.yaml").write_text(TEXT, encoding="utf-8")
    settings.SUPPORT_GATE_CONVERSATIONS = tmp_path / "ours"
    (check,) = judged(candidate, live)["checks"]
    assert (check["passed"], check["value"], check["live"]) == (False, 1, 2)
    assert check["note"] == "a late card"
    assert judged(live, live)["passed"]
    assert not judged(candidate, live)["passed"]
    assert not Conversation.objects.exists()
    assert gateway.classify("intent", ["hello"])[0].version == live
