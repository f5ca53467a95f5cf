"""What the vector of a message tells, the abuse screen need not read; the rest it does."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ml.prescreen import Prescreen
from ml.serving.fakes import FakeEngine
from tests.support.test_abuse import ABUSE, said

pytestmark = pytest.mark.django_db(transaction=True)
CLEARS_ALL = Prescreen(
    task="toxicity",
    version="fake-1",
    encoder="encoder",
    encoder_version="fake-1",
    weights=np.zeros(384, np.float32),
    bias=-1.0,
    words=frozenset({"moron"}),
)


@pytest.fixture
def shipped(settings: Any, tmp_path: Path) -> Path:
    """Where the prescreen lies."""
    settings.ML_PRESCREENS_DIR = tmp_path
    return tmp_path / "toxicity.json"


def _read(engine: FakeEngine) -> list[str]:
    """The texts that the abuse screen read."""
    return [text for task, texts in engine.gate.batches if task == "toxicity" for text in texts]


def test_a_message_that_is_cleared_is_not_read(
    articles: Any, engine: FakeEngine, shipped: Path
) -> None:
    CLEARS_ALL.save(shipped)
    pairs = said(uuid.uuid4(), "when will it arrive", "moron, how do I change my PIN")
    assert [answer is not None for _, answer in pairs] == [True, True]
    assert _read(engine) == ["moron, how do I change my PIN"]


def test_what_is_not_cleared_is_read_and_told(
    articles: Any, engine: FakeEngine, shipped: Path
) -> None:
    replace(CLEARS_ALL, bias=1.0).save(shipped)
    ((message, _),) = said(uuid.uuid4(), ABUSE)
    assert _read(engine) == [ABUSE]
    assert message.analysis["abuse"] == ["insult"]


@pytest.mark.parametrize(
    "change",
    [
        {"version": "fake-2"},
        {"encoder": "support_encoder"},
        {"encoder_version": "fake-2"},
        {"weights": np.full(384, np.nan, np.float32)},
    ],
)
def test_a_rule_for_other_models_or_a_broken_one_clears_nothing(
    articles: Any, engine: FakeEngine, shipped: Path, change: dict[str, Any]
) -> None:
    replace(CLEARS_ALL, **change).save(shipped)
    ((message, _),) = said(uuid.uuid4(), ABUSE)
    assert message.analysis["abuse"] == ["insult"]


def test_a_screen_promoted_meanwhile_reads_all(
    articles: Any, engine: FakeEngine, shipped: Path
) -> None:
    CLEARS_ALL.save(shipped)
    said(uuid.uuid4(), ABUSE)
    assert _read(engine) == []
    engine.models.promote("toxicity", "fake-2")
    ((message, _),) = said(uuid.uuid4(), ABUSE)
    assert message.analysis["abuse"] == ["insult"]
