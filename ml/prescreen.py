"""A quick look at a text's sentence vector, by which a costlier classifier need not read the text.

A cascade of two stages after Viola and Jones 2001, "Rapid Object Detection using a Boosted Cascade
of Simple Features": most texts bear none of the labels of a multi-label classifier, and most of
those lie so far from the others that a linear rule tells them by a vector which is there anyway.
The rule only ever says "none of the labels"; all other texts are read by the classifier.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.data.text import normalise
from ml.errors import DataError
from ml.files import write_whole
from ml.types import Embedding, FloatArray

_FORMAT = 1
_WORD = re.compile(r"[^\W_]+")
_UNITS = (
    r"st|nd|rd|th|am|pm|h(?:ou)?rs?|min(?:ute)?s?|sec(?:ond)?s?|days?|weeks?|months?|y(?:ea)?rs?"
    r"|oclock|times|digits?|gbp|usd|eur(?:os?)?|pounds?|dollars?|pence|bn|mn|ds|[mg]b|k[gm]"
)
"""What is written next to a digit that stands for itself."""
_HIDDEN = re.compile(
    r"[^\W\d_][*@$#!_\d]+[^\W\d_]"  # sh*t, cl0wn
    r"|\*\*|[@$]{2}"  # f**, @$$
    r"|(?<!\w)[$*!][^\W\d_]"  # $hit, !diot
    r"|(?<!\w)@(?i:([^\W\d_])\1)"  # @ss; a name hardly begins with a letter twice
    r"|(?:[^\W\d_]\*|[^\W\d_A-Z]\$)(?!\w)"  # cra*, as$; not US$
    rf"|(?<![\w$£€.,:])[013-9](?!(?i:{_UNITS})\b)[^\W\d_]{{2}}"  # 5hit
    r"|[a-z](?:55|[a-z][57])(?!\w)"  # a55, shi7
)
"""Words with signs or digits in the place of letters, as people hide them from filters."""
_MOST_CHARACTERS = 300
"""The vector of a longer text tells little of a single sentence in it."""
_TIMES = 5
"""In so many labelled texts, and in no others, must a word be met to tell that one is labelled."""
_MARGIN = 1e-3
"""Vectors of int8 graphs differ a little by what else is in the batch."""


@dataclass(frozen=True, slots=True, eq=False)
class Prescreen:
    """The first stage before one version of a classifier, on the vectors of one encoder version.

    A text bears none of the labels if ``weights``, of shape (dimensions,), times its vector plus
    ``bias`` is below 0, unless it has one of the ``words`` (in small letters), hides a word, or is
    long.
    """

    task: str
    version: str
    encoder: str
    encoder_version: str
    weights: FloatArray
    bias: float
    words: frozenset[str]

    def clears(self, text: str, embedding: Embedding) -> bool:
        """Whether the classifier need not read the text, whose vector is ``embedding``.

        The vector of another version of the encoder tells nothing.
        """
        return (
            embedding.version == self.encoder_version
            and readable(text)
            and not self.words.intersection(words_of(text))
            and float(self.weights @ embedding.vector) + self.bias < 0.0
        )

    def save(self, path: Path) -> None:
        """Write the file so that it is there complete or not at all."""
        body = asdict(self) | {
            "format": _FORMAT,
            "weights": [round(float(weight), 5) for weight in self.weights],
            "bias": round(self.bias, 5),
            "words": sorted(self.words),
        }
        write_whole(path, json.dumps(body) + "\n")

    @classmethod
    def load(cls, path: Path) -> Prescreen:
        """Read a saved file; raises ``DataError`` for one that is none."""
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            if body["format"] != _FORMAT:
                raise ValueError(f"format {body['format']}")
            weights = np.array(body["weights"], np.float32)
            if weights.ndim != 1 or not np.isfinite([*weights, float(body["bias"])]).all():
                raise ValueError("its weights are no numbers")
            return cls(
                task=str(body["task"]),
                version=str(body["version"]),
                encoder=str(body["encoder"]),
                encoder_version=str(body["encoder_version"]),
                weights=weights,
                bias=float(body["bias"]),
                words=frozenset(map(str, body["words"])),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(path, None, f"holds no prescreen: {error}") from error


def words_of(text: str) -> set[str]:
    """The words of a text in small letters."""
    return {word.casefold() for word in _WORD.findall(_bare(text))}


def readable(text: str) -> bool:
    """Whether the vector of the text tells of all of it: it is short and hides no word."""
    return len(text) <= _MOST_CHARACTERS and not _HIDDEN.search(_bare(text))


def _bare(text: str) -> str:
    """The text as an encoder without case and accents reads it: its tokenizer drops marks and what
    joins letters, so a word is not hidden from it by them."""
    letters = unicodedata.normalize("NFD", normalise(text))
    return "".join(one for one in letters if unicodedata.category(one) not in ("Mn", "Cf"))


def telling_words(texts: Sequence[str], labelled: Sequence[bool]) -> frozenset[str]:
    """The words met in several of the ``labelled`` texts and in no others."""
    inside, outside = Counter[str](), Counter[str]()
    for text, bears in zip(texts, labelled, strict=True):
        (inside if bears else outside).update(words_of(text))
    return frozenset(
        word for word, times in inside.items() if times >= _TIMES and not outside[word]
    )


def fit_rule(
    vectors: FloatArray,
    labelled: NDArray[np.bool_],
    held_out: FloatArray,
    found: NDArray[np.bool_],
    *,
    lost: float = 0.0,
) -> tuple[FloatArray, float]:
    """Weights (dimensions,) and bias: a logistic regression, moved by held-out rows.

    ``vectors`` (texts, dimensions) and ``labelled`` (texts,) are of the training rows; of the
    ``held_out`` ones (rows, dimensions) those ``found`` are what the classifier finds a label in,
    and of them at most the share ``lost`` is cleared.

    Raises ``ValueError`` if all or none of the training rows are labelled, or none is found.
    """
    from sklearn.linear_model import LogisticRegression

    if labelled.all() or not labelled.any():
        raise ValueError("the training rows are all labelled, or none of them is")
    if not found.any():
        raise ValueError("the classifier finds no label in the held-out rows")
    # Each side weighs as much as the other, or the few labelled rows would hardly count.
    fit = LogisticRegression(max_iter=500, class_weight="balanced").fit(vectors, labelled)
    scores = np.sort(fit.decision_function(held_out[found]))
    least = float(scores[int(lost * len(scores))]) - _MARGIN
    weights: FloatArray = fit.coef_[0].astype(np.float32)
    return weights, float(fit.intercept_[0]) - least
