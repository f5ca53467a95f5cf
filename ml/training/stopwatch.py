"""How long a training took, over all its sittings."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState


class Stopwatch(TrainerCallback, ExportableState):
    """Runs while a training does; its time is part of each checkpoint, so that a run that goes on
    from one counts the time until then too. What a kill lost is not counted.

    Transformers makes it anew, with the ``attributes`` of the checkpoint, when a run goes on.
    """

    def __init__(self) -> None:
        self.before = 0.0
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Those of the training so far."""
        return self.before + time.monotonic() - self._started

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"args": {}, "attributes": {"before": self.seconds}}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint that knows of no time is to know of it from now on."""
        state.stateful_callbacks.setdefault(type(self).__name__, self.state())
