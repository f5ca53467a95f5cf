"""Whether what a command writes is shipped with the project."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings


def is_shipped(output: Path | None) -> bool:
    """Whether a folder is among those of the shipped models, whose data must allow it
    (:mod:`ml.licences`)."""
    return output is not None and output.resolve().is_relative_to(settings.ML_PRETRAINED_DIR)
