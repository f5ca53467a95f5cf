"""Attribution by leaving out: what a label's probability loses without each word.

Source: Zeiler and Fergus 2014, "Visualizing and understanding convolutional networks"; for words,
Li, Monroe and Jurafsky 2016, "Understanding neural networks through representation erasure". It
asks only for answers, so it explains the very graph that serves, in one batch of as many texts as
the text has pieces.
"""

from __future__ import annotations

from ml.explain.attribution import (
    Attribution,
    Classify,
    Explanation,
    pieces_of,
    probability,
    without,
)

MAX_PIECES = 64


def occlude(
    classify: Classify, text: str, *, label: str | None = None, max_pieces: int = MAX_PIECES
) -> Explanation:
    """What each piece of ``text`` adds to the probability of ``label`` (the best one, by default).

    A piece is a word, or some neighbouring words where a text has more than ``max_pieces``.
    Raises :class:`ml.errors.DataError` for a text without words or an unknown label.
    """
    pieces = pieces_of(text, at_most=max_pieces)
    whole, *parts = classify([text, *(without(text, [piece]) for piece in pieces)])
    label = whole.label if label is None else label
    confidence = probability(whole, label)
    return Explanation(
        text=text,
        label=label,
        confidence=confidence,
        method="occlusion",
        pieces=tuple(
            Attribution(piece.text, piece.start, piece.end, confidence - probability(part, label))
            for piece, part in zip(pieces, parts, strict=True)
        ),
        version=whole.version,
    )
