"""What words add to an answer, by leaving them out and by deleting them in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ml.data.readers import LabelledText
from ml.data.text import split_words
from ml.errors import DataError
from ml.explain.attribution import Attribution, Explanation, pieces_of, without
from ml.explain.faithfulness import faithfulness
from ml.explain.neighbours import nearest_examples
from ml.explain.occlusion import occlude
from ml.types import Classification, FloatArray, ScoredLabel

WEIGHTS = {"late": 0.3, "card": 0.2, "thanks": -0.1}


def classify(texts: Sequence[str]) -> list[Classification]:
    """Adds up the words' weights: a model whose true attributions are known."""
    answers = []
    for text in texts:
        words = {word.text.lower() for word in split_words(text)}
        score = 0.4 + sum(weight for word, weight in WEIGHTS.items() if word in words)
        pair = [ScoredLabel("arrival", score), ScoredLabel("other", 1 - score)]
        pair.sort(key=lambda one: -one.score)
        answers.append(Classification(tuple(pair), None, True, True, "v1"))
    return answers


def test_a_word_is_worth_what_its_absence_costs() -> None:
    text = "Thanks, but my card is LATE!"
    found = occlude(classify, text)
    assert (found.label, found.version, found.method) == ("arrival", "v1", "occlusion")
    assert found.confidence == pytest.approx(0.8)
    scores = {piece.text: piece.score for piece in found.pieces}
    assert scores == pytest.approx(
        {"Thanks": -0.1, "but": 0, "my": 0, "card": 0.2, "is": 0, "LATE": 0.3}
    )
    assert all(text[piece.start : piece.end] == piece.text for piece in found.pieces)


def test_another_label_than_the_answer_can_be_explained() -> None:
    found = occlude(classify, "my card is late", label="other")
    assert found.confidence == pytest.approx(0.1)
    assert {piece.text: piece.score for piece in found.pieces}["late"] == pytest.approx(-0.3)
    with pytest.raises(DataError, match="'nonsense' is none of the model's labels"):
        occlude(classify, "my card", label="nonsense")


@pytest.mark.parametrize("text", ["", "   ", "?! …", "😀"])
def test_a_text_without_words_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="no word to explain"):
        occlude(classify, text)


def test_long_texts_are_explained_in_pieces_that_cover_every_word() -> None:
    text = " ".join(f"word{number}" for number in range(1000)) + " late"
    asked: list[int] = []

    def counted(texts: Sequence[str]) -> list[Classification]:
        asked.append(len(texts))
        return classify(texts)

    found = occlude(counted, text, max_pieces=50)
    assert asked == [51]
    assert " ".join(piece.text for piece in found.pieces) == text
    assert max(found.pieces, key=lambda piece: piece.score).text.endswith("late")


def test_pieces_are_cut_out_from_any_place() -> None:
    pieces = pieces_of("a card, late", at_most=9)
    assert [piece.text for piece in pieces] == ["a", "card", "late"]
    assert without("a card, late", [pieces[2], pieces[0]]).split() == ["card,"]
    assert without("a card", []) == "a card"


def test_a_true_explanation_is_more_faithful_than_its_opposite() -> None:
    text = "my card is so very late today at the old bank"
    true = occlude(classify, text)
    opposite = Explanation(
        **{name: getattr(true, name) for name in ("text", "label", "confidence", "version")},
        method="opposite",
        pieces=tuple(
            Attribution(piece.text, piece.start, piece.end, -piece.score) for piece in true.pieces
        ),
    )
    good = faithfulness(classify, text, true)
    bad = faithfulness(classify, text, opposite)
    assert good.gain > 0 > bad.gain
    assert good.area < good.random_area
    assert (len(good.curve), good.curve[0], good.curve[-1]) == (
        11,
        pytest.approx(0.9),
        pytest.approx(0.4),
    )
    assert good.comprehensiveness == pytest.approx(0.5)
    assert good.sufficiency == pytest.approx(0.0)
    assert bad.sufficiency > good.sufficiency
    assert faithfulness(classify, text, true) == good


def test_one_word_can_be_checked_too() -> None:
    measured = faithfulness(classify, "late", occlude(classify, "late"))
    assert measured.curve == pytest.approx((0.7, *([0.4] * 10)))
    assert measured.gain == pytest.approx(0.0)


def test_the_nearest_rows_come_first_with_their_labels() -> None:
    rows = [
        LabelledText("east", "a", 1),
        LabelledText("north", "b", 2),
        LabelledText("north-east", "c", 3),
    ]
    places = {"east": (2, 0), "north": (0, 5), "north-east": (1, 1), "mostly east": (9, 1)}
    seen: list[tuple[int, int]] = []

    def vectorise(texts: Sequence[str]) -> FloatArray:
        found: FloatArray = np.array([places[text] for text in texts], dtype=np.float32)
        return found

    found = nearest_examples(
        vectorise, "mostly east", rows, k=2, progress=lambda done, total: seen.append((done, total))
    )
    assert [(one.label, one.row) for one in found] == [("a", 1), ("c", 3)]
    assert found[0].cosine == pytest.approx(9 / 82**0.5, abs=1e-5)
    assert seen == [(3, 3)]
