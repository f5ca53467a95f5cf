"""Lexical search: BM25 over stemmed English words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import bm25s
import numpy as np
import Stemmer
from bm25s.stopwords import STOPWORDS_EN

from ml.types import FloatArray

_WORD = re.compile(r"\b\w\w+\b")
_STOP_WORDS = frozenset(STOPWORDS_EN)


class LexicalIndex:
    """BM25 (Robertson and Zaragoza 2009, in Lucene's variant) over a fixed list of texts.

    Building takes milliseconds a thousand texts, so a change is a new index. Words are
    lower-cased, English stop words are left out and the rest stemmed (Porter2).
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._size = len(texts)
        self._bm25: bm25s.BM25 | None = None
        words = _words(texts)
        if any(words):
            self._bm25 = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
            self._bm25.index(words, show_progress=False)

    def __len__(self) -> int:
        return self._size

    def scores(self, query: str) -> FloatArray:
        """The BM25 score of every text for ``query``, shape (texts,); 0 where no word is shared."""
        (words,) = _words([query])
        if self._bm25 is None or not words:
            return np.zeros(self._size, dtype=np.float32)
        return np.asarray(self._bm25.get_scores(words), dtype=np.float32)


def _words(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text; those of two letters and more, as bm25s itself has it."""
    # A stemmer keeps state and is not safe to share between threads; making one is cheap.
    stem = Stemmer.Stemmer("english").stemWords
    told = (_WORD.findall(text.lower()) for text in texts)
    return [stem([word for word in words if word not in _STOP_WORDS]) for words in told]
