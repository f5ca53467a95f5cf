"""Cut a long sentence into windows that a model can read, losing no word."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from tokenizers import Tokenizer

_OVERLAP = 0.25  # of a window, shared with the next one


def word_windows(words: Sequence[str], tokenizer: Tokenizer, capacity: int) -> list[range]:
    """The windows of at most ``capacity`` tokens in which the words are read."""
    if sum(len(word.encode()) for word in words) <= capacity:
        return [range(len(words))] if words else []  # no token is shorter than a byte
    encoding = tokenizer.encode(list(words), is_pretokenized=True, add_special_tokens=False)
    owners = np.array(encoding.word_ids, dtype=np.intp)
    sizes = np.bincount(owners, minlength=len(words)).tolist()
    return cut_windows(sizes, capacity=capacity, overlap=int(capacity * _OVERLAP))


def cut_windows(sizes: Sequence[int], *, capacity: int, overlap: int) -> list[range]:
    """Ranges of words that cover all of them in order, each of at most ``capacity`` tokens.

    ``sizes`` are the tokens of each word. Neighbours share as many words as fit into ``overlap``
    tokens. A word that alone is larger than ``capacity`` has a window of its own.
    """
    windows: list[range] = []
    start = 0
    while start < len(sizes):
        end, used = start, 0
        while end < len(sizes) and (end == start or used + sizes[end] <= capacity):
            used += sizes[end]
            end += 1
        windows.append(range(start, end))
        if end == len(sizes):
            break
        following, shared = end, 0
        while following - 1 > start and shared + sizes[following - 1] <= overlap:
            following -= 1
            shared += sizes[following]
        start = following
    return windows


def kept_words(windows: Sequence[range]) -> list[range]:
    """The words for which each window answers: of a shared stretch each window has its half.

    So every word is read with context on both sides, where there is some.
    """
    if not windows:
        return []
    cuts = [0]
    for left, right in pairwise(windows):
        cuts.append((left.stop + right.start) // 2)
    cuts.append(windows[-1].stop)
    return [range(start, stop) for start, stop in pairwise(cuts)]
