"""Streams of many texts."""

from __future__ import annotations

import itertools

import pytest

from ml.errors import InferenceError, Overloaded
from ml.serving.bulk import predict_stream
from ml.serving.fakes import FakeEngine


@pytest.fixture
def engine():
    engine = FakeEngine({"intent": {str(i): str(i) for i in range(10)}}, capacity=40)
    yield engine
    engine.gate.release()
    engine.close()


def test_more_texts_than_the_queue_takes_come_in_order(engine):
    texts = [f"text {i % 10}" for i in range(500)]
    labels = [answer.label for answer in predict_stream(engine, "intent", texts, chunk=16)]
    assert labels == [str(i % 10) for i in range(500)]


def test_texts_are_read_as_they_are_needed(engine):
    stream = predict_stream(engine, "intent", (f"text {i}" for i in itertools.count()), chunk=4)
    assert [next(stream).label for _ in range(3)] == ["0", "1", "2"]
    stream.close()


def test_nothing_gives_nothing(engine):
    assert list(predict_stream(engine, "intent", [])) == []


def test_an_error_ends_the_stream_and_cancels_the_rest(engine):
    engine.gate.fail_on("poison")
    with pytest.raises(InferenceError):
        list(predict_stream(engine, "intent", ["text 1", "poison", *["text 2"] * 30], chunk=4))
    engine.close(drain=10)
    assert engine.stats().queued == 0


def test_a_chunk_larger_than_the_queue_is_refused(engine):
    with pytest.raises(Overloaded):
        list(predict_stream(engine, "intent", [f"text {i}" for i in range(100)], chunk=100))
