"""What a tagger reads of a word beside its tokens."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TaggingSettings:
    """With ``characters`` a tagger reads the characters of each word, case and all
    (:mod:`ml.models.characters`); without, of the case only the word's shape."""

    characters: bool = True
