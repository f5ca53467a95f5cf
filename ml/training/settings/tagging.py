"""What a tagger's training begins from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaggingSettings:
    """``start`` is the folder of a trained tagger, or the name of a shipped one, whose weights the
    run begins from (:mod:`ml.training.start`); its labels may be others."""

    start: str = ""
