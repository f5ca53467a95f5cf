"""The fake engine: the contract, and what its rules say."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ml.errors import InferenceError, Overloaded
from ml.serving.fakes import FakeEngine
from ml.types import Classification, Embedding, MultiLabel, Tagging
from tests.contracts.engine_contract import EngineContract, Harness, MakeHarness


class TestContract(EngineContract):
    @pytest.fixture
    def make_harness(self) -> MakeHarness:
        def make(*, capacity: int = 2048, cache_size: int = 0) -> Harness:
            engine = FakeEngine(capacity=capacity, cache_size=cache_size)

            def promote() -> str:
                engine.models.promote("intent", "fake-2")
                return "fake-2"

            return Harness(engine, engine.gate, "intent", promote)

        return make


@pytest.fixture
def engine():
    engine = FakeEngine({"intent": {"card": "lost_card", "euro": "top_up"}}, names={"Rome": "LOC"})
    yield engine
    engine.close()


def classify(engine: FakeEngine, task: str, text: str) -> Classification:
    (answer,) = engine.predict(task, [text])
    assert isinstance(answer, Classification)
    return answer


def test_keywords_decide_labels(engine):
    answer = classify(engine, "intent", "My CARD is gone")
    assert answer.label == "lost_card"
    assert answer.in_scope
    assert answer.confident
    assert sum(scored.score for scored in answer.scores) == pytest.approx(1.0)


def test_of_several_labels_each_keyword_gives_its_own(engine):
    rude, civil = engine.predict("toxicity", ["You IDIOT, I will hurt you", "thank you"])
    assert isinstance(rude, MultiLabel)
    assert set(rude.labels) == {"insult", "threat"}
    assert civil.labels == ()
    assert len(civil.scores) == len(rude.scores) == 2


def test_the_first_rule_that_matches_wins(engine):
    assert classify(engine, "intent", "euro on my card").label == "lost_card"


def test_a_text_without_keyword_is_out_of_scope(engine):
    answer = classify(engine, "intent", "what is the weather")
    assert not answer.in_scope
    assert not answer.confident
    assert answer.out_of_scope > 0.5


def test_the_empty_keyword_is_the_rest():
    engine = FakeEngine()
    assert classify(engine, "sentiment", "Shares were flat").label == "neutral"
    assert classify(engine, "sentiment", "Harrow misses forecasts").label == "negative"
    engine.close()


def test_capitalised_words_are_names(engine):
    text = "The bank Harrow & Vale Group opened in Rome"
    (answer,) = engine.predict("ner", [text])
    assert isinstance(answer, Tagging)
    assert [(entity.text, entity.label) for entity in answer.entities] == [
        ("Harrow", "ORG"),
        ("Vale Group", "ORG"),
        ("Rome", "LOC"),
    ]
    assert all(text[entity.start : entity.end] == entity.text for entity in answer.entities)


def test_texts_that_share_words_are_closer(engine):
    answers = engine.predict("encoder", ["lost my card", "my card is lost", "rates in Rome", ""])
    vectors = [answer.vector for answer in answers if isinstance(answer, Embedding)]
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert np.linalg.norm(vectors[0]) == pytest.approx(1.0)
    assert not vectors[3].any()


def test_it_can_be_overloaded_and_fail(engine):
    with engine.overloaded(), pytest.raises(Overloaded):
        engine.predict("intent", ["a card"])
    engine.gate.fail_on("card")
    with pytest.raises(InferenceError):
        engine.predict("intent", ["a card"])
    assert engine.predict("intent", ["euro"])


def test_it_needs_neither_torch_nor_onnxruntime():
    code = (
        "import sys, ml.serving.fakes;"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'sklearn', 'onnxruntime'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
