"""From a sentence's words to windows that a tagger reads, and from its logits to entities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ml.artifacts import Artifact
from ml.data.text import Word
from ml.evaluation.decoding import decode_entities
from ml.types import Entity, FloatArray


def logits_by_word(
    tokens: FloatArray, index: NDArray[np.int64], words: int, labels: Sequence[str]
) -> FloatArray:
    """The logits at each word's first token; a word without a token is outside of any name.

    ``tokens`` has the shape (tokens, labels), ``index`` (tokens,) the word that each begins or -1.
    """
    outside = np.full(len(labels), -100.0, dtype=np.float32)
    outside[labels.index("O")] = 100.0
    by_word = np.tile(outside, (words, 1))
    begins = index >= 0
    by_word[index[begins]] = tokens[begins]
    return by_word


def entities_of(
    text: str, words: Sequence[Word], parts: Sequence[FloatArray], artifact: Artifact
) -> tuple[Entity, ...]:
    """The entities of ``text``; ``parts`` are its words' logits, window by window."""
    if not parts:
        return ()
    found = []
    for first, last, label, score in decode_entities(np.concatenate(parts), artifact):
        start, end = words[first].start, words[last].end
        found.append(Entity(text[start:end], label, start, end, score))
    return tuple(found)
