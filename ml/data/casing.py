"""Tagged sentences once more in small or in capital letters.

Headlines come in capitals and messages in small letters, but few labelled sentences do; a tagger
that has seen both leans less on case (Bodapati, Yun and Al-Onaizan 2019, "Robustness to
Capitalization Errors in Named Entity Recognition").
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from ml.data.readers import TaggedSentence


def recased(
    sentences: Sequence[TaggedSentence], *, share: float, seed: int
) -> list[TaggedSentence]:
    """Copies of about ``share`` of the sentences, half of them in small, half in capital letters.

    Sentences without an entity have none, nor those that are in that case already.
    """
    generator = random.Random(seed)  # noqa: S311 - reproducible, not secret
    copies = []
    for sentence in sentences:
        chosen, change = generator.random() < share, generator.choice((str.lower, str.upper))
        tokens = tuple(change(token) for token in sentence.tokens)
        if chosen and tokens != sentence.tokens and any(tag != "O" for tag in sentence.tags):
            copies.append(replace(sentence, tokens=tokens))
    return copies
