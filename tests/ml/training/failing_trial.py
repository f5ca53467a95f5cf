"""A search whose second trial fails."""

from __future__ import annotations

from typing import Any

import pytest

from ml.errors import TrainingError
from ml.training import search as searching
from ml.training.rows import FinetuneRequest

PROBLEM = "the loss is nan"


def let_second_trial_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    train = searching.finetune

    def failing(request: FinetuneRequest, *more: Any) -> Any:
        if request.run_folder.name == "0001":
            raise TrainingError(PROBLEM)
        return train(request, *more)

    monkeypatch.setattr(searching, "finetune", failing)
