"""What a tagger reads of a word beside its tokens, and what its training begins from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaggingSettings:
    """With ``characters`` a tagger reads the characters of each word, case and all
    (:mod:`ml.models.characters`); without, of the case only the word's shape.

    ``start`` is the folder of a trained tagger whose weights the run begins from
    (:mod:`ml.training.start`); its labels may be others.
    """

    characters: bool = True
    start: str = ""
