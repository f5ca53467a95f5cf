"""Forward passes over tiny models: labels, offsets, long and odd texts."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from ml.runtime import RuntimeSettings
from ml.serving.registry import ModelStore
from tests.ml.serving.tiny_models import build_model


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    """Build a model of a kind and load its predictor."""

    def load(kind, **changes):
        root = tmp_path_factory.mktemp("var") / "models"
        build_model(root, "task", kind, **changes)
        return ModelStore(root, runtime=RuntimeSettings()).load("task")

    return load


@pytest.fixture(scope="module")
def tagger(load):
    return load("ner")


def entities(tagger, text):
    (answer,) = tagger.predict([text])
    assert all(text[entity.start : entity.end] == entity.text for entity in answer.entities)
    return [(entity.text, entity.label) for entity in answer.entities]


class TestClassifier:
    @pytest.fixture(scope="class")
    @classmethod
    def classifier(cls, load):
        return load("classification", thresholds={"accept": 0.5, "out_of_scope": 0.6})

    def test_labels(self, classifier):
        answers = classifier.predict(["lost card", "the euro rate", "Lost CARD &amp; bank"])
        assert [answer.label for answer in answers] == ["card", "rate", "card"]
        assert all(answer.in_scope and answer.confident for answer in answers)
        assert all(sum(s.score for s in a.scores) == pytest.approx(1.0) for a in answers)

    @pytest.mark.parametrize("text", ["", "  \n", "\u200b", "https://example.com/x"])
    def test_a_text_without_words_is_out_of_scope(self, classifier, text):
        (answer,) = classifier.predict([text])
        assert not answer.in_scope
        assert not answer.confident
        assert answer.out_of_scope == 1.0
        assert [scored.score for scored in answer.scores] == [pytest.approx(1 / 3)] * 3

    def test_windows_read_what_stands_at_the_end(self, load):
        text = "in the bank of rome and " * 8 + "euro rate " * 4
        cut, whole = (
            load("classification", max_length=16, settings={"long_texts": way}).predict(
                [text, "lost card"]
            )
            for way in ("cut", "windows")
        )
        assert cut[0].label != "rate"
        assert whole[0].label == "rate"
        assert [answer[1].label for answer in (cut, whole)] == ["card", "card"]

    def test_a_text_of_which_a_part_was_left_out_is_told(self, load):
        texts = ["euro rate", "euro rate " * 7, "euro rate " * 8, "\u200b" * 20_001]
        for way, told in {
            "cut": [False, False, True, True],
            "head_tail": [False, False, True, True],
            "windows": [False, False, False, True],
        }.items():
            model = load("classification", max_length=16, settings={"long_texts": way})
            assert [answer.truncated for answer in model.predict(texts)] == told

    def test_no_notion_of_scope_stays_none(self, load):
        answers = load("classification").predict(["", "lost card"])
        assert [answer.out_of_scope for answer in answers] == [None, None]

    def test_an_out_of_scope_column_is_no_label(self, load):
        classifier = load(
            "classification", labels=("card",), settings={"oos_column": True}, thresholds={}
        )
        (answer,) = classifier.predict([""])
        assert answer.out_of_scope == 1.0
        assert [scored.label for scored in answer.scores] == ["card"]

    def test_a_text_does_not_depend_on_its_company(self, classifier):
        texts = ["lost card " * n for n in range(1, 9)] + ["euro", ""]
        together = classifier.predict(texts)
        for text, answer in zip(texts, together, strict=True):
            (alone,) = classifier.predict([text])
            assert alone.scores[0].score == pytest.approx(answer.scores[0].score, abs=1e-5)

    def test_a_huge_text_needs_little_memory(self, classifier):
        tracemalloc.start()
        classifier.predict(["lost card " * 10_000] * 32)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 50_000_000


class TestEncoder:
    @pytest.fixture(scope="class")
    @classmethod
    def encoder(cls, load):
        return load("embedding")

    def test_a_text_of_which_a_part_was_left_out_is_told(self, encoder):
        texts = ["euro " * 14, "euro " * 15, "euro", "\u200b" * 20_001]
        assert [answer.truncated for answer in encoder.predict(texts)] == [False, True, False, True]

    def test_vectors_have_unit_length(self, encoder):
        answers = encoder.predict(["lost card", "the euro rate of the bank"])
        assert all(np.linalg.norm(a.vector) == pytest.approx(1.0, abs=1e-5) for a in answers)
        assert answers[0].vector.dtype == np.float32

    def test_a_text_without_words_is_the_zero_vector(self, encoder):
        (answer,) = encoder.predict([" "])
        assert answer.vector.shape == (8,)
        assert not answer.vector.any()

    def test_padding_changes_nothing(self, encoder):
        long, short = encoder.predict(["lost " * 10, "card"])
        (alone,) = encoder.predict(["card"])
        assert np.allclose(short.vector, alone.vector, atol=1e-6)
        assert not np.allclose(long.vector, short.vector)


class TestTagger:
    def test_entities_have_offsets_in_the_given_text(self, tagger):
        text = "  The Acme Bank,\n in   Rome\u200b."
        assert entities(tagger, text) == [("Acme Bank", "ORG"), ("Rome", "LOC")]

    def test_case_reaches_the_model(self, tagger):
        assert entities(tagger, "acme and rome") == []

    def test_a_text_without_words_has_none(self, tagger):
        assert entities(tagger, "") == []
        assert entities(tagger, " \n ") == []

    def test_lone_surrogates_do_not_shift_offsets(self, tagger):
        assert entities(tagger, "\ud800 the Acme") == [("Acme", "ORG")]

    def test_scores_are_probabilities(self, tagger):
        (answer,) = tagger.predict(["Acme Bank in Rome"])
        assert all(0.5 < entity.score <= 1.0 for entity in answer.entities)

    def test_no_entity_of_a_long_text_is_lost(self, tagger):
        text = " ".join(f"the Acme Bank of Rome and {'lost ' * (i % 9)}in" for i in range(200))
        found = entities(tagger, text)
        assert found == [("Acme Bank", "ORG"), ("Rome", "LOC")] * 200

    def test_windows_do_not_change_a_text_that_fits(self, tagger):
        texts = ["Acme in Rome", "the " * 300 + "Acme", "Rome"]
        answers = tagger.predict(texts)
        assert [[entity.text for entity in answer.entities] for answer in answers] == [
            ["Acme", "Rome"],
            ["Acme"],
            ["Rome"],
        ]
        assert answers[1].entities[0].start == 1200

    def test_a_word_longer_than_a_window_does_not_hide_others(self, tagger):
        assert ("Rome", "LOC") in entities(tagger, f"Acme {'zz' * 40} in Rome")

    def test_what_is_beyond_the_limit_is_not_read(self, tagger):
        assert entities(tagger, "the " * 12_400 + "Acme") == [("Acme", "ORG")]
        assert entities(tagger, "the " * 25_000 + "Acme") == []

    def test_a_text_of_which_a_part_was_left_out_is_told(self, tagger):
        texts = ["the " * 300 + "Acme", "Acme", "the " * 25_000 + "Acme", f"Acme {'zz' * 40}", ""]
        answers = tagger.predict(texts)
        assert [answer.truncated for answer in answers] == [False, False, True, True, False]
