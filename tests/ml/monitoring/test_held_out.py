"""The held-out answers that are shipped: those of the weights that are."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.artifacts import read_artifact
from ml.monitoring.held_out import HeldOut

SHIPPED = Path(__file__).resolve().parents[3] / "ml"
ANSWERS = sorted((SHIPPED / "monitoring" / "held_out").glob("*.json"))


@pytest.mark.parametrize("file", ANSWERS, ids=lambda file: file.stem)
def test_shipped_answers_stand_for_the_shipped_weights(file: Path) -> None:
    artifact = read_artifact(SHIPPED / "pretrained" / file.stem)
    found = HeldOut.load(file)
    assert found.version == artifact.version, "manage.py held_out makes them (docs/promises.md)"
    assert found.labels == artifact.labels
    in_scope = artifact.metrics["n"] - artifact.metrics["n_oos"]
    right = (found.predicted == found.gold).sum() / in_scope
    assert right == pytest.approx(artifact.metrics["accuracy"], abs=0.01)
