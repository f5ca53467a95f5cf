"""The local engine over tiny ONNX models: the contract, batching and metrics."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ml.errors import ArtifactError, InferenceError
from ml.runtime import RuntimeSettings
from ml.serving import registry
from ml.serving.engine import LocalEngine
from ml.serving.fakes import GatedModels
from ml.serving.metrics import EngineCollector
from ml.serving.registry import ModelStore
from tests.contracts.engine_contract import PATIENCE, EngineContract, Harness, MakeHarness
from tests.ml.serving.tiny_models import activate, build_model

KINDS = {"intent": "classification", "ner": "ner", "encoder": "embedding"}
ONE_WORKER = RuntimeSettings(intra_op_threads=1, workers=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, dict[str, list[str]]]:
    """Two versions of each kind of model."""
    root = tmp_path_factory.mktemp("var") / "models"
    versions = {
        task: [
            build_model(root, task, kind, created_at=f"2026-01-0{day}T00:00:00+00:00")
            for day in (2, 1)
        ]
        for task, kind in KINDS.items()
    }
    return root, versions


@pytest.fixture
def root(built, tmp_path) -> Path:
    return Path(shutil.copytree(built[0], tmp_path / "models"))


class LocalContract(EngineContract):
    task: str

    @pytest.fixture
    def make_harness(self, root, built) -> MakeHarness:
        def make(*, capacity: int = 2048, cache_size: int = 0) -> Harness:
            gate = GatedModels(ModelStore(root, runtime=ONE_WORKER))
            engine = LocalEngine(
                gate, settings=ONE_WORKER, capacity=capacity, cache_size=cache_size
            )
            newer = built[1][self.task][0]

            def promote() -> str:
                activate(root, self.task, newer)
                return newer

            return Harness(engine, gate, self.task, promote)

        return make


class TestClassification(LocalContract):
    task = "intent"


class TestTagging(LocalContract):
    task = "ner"


class TestEmbedding(LocalContract):
    task = "encoder"


@pytest.fixture
def gate(root) -> GatedModels:
    return GatedModels(ModelStore(root, runtime=ONE_WORKER))


@pytest.fixture
def engine(gate):
    engine = LocalEngine(gate, settings=ONE_WORKER, max_batch=8, max_characters=200)
    yield engine
    gate.release()
    engine.close(drain=PATIENCE)


def hold(engine, gate, task="intent"):
    gate.hold()
    futures = engine.submit(task, ["the first"])
    assert gate.wait_until_held(PATIENCE)
    return futures


def release(gate, futures):
    gate.release()
    return [future.result(PATIENCE) for future in futures]


def test_a_folder_of_models_is_enough(root):
    engine = LocalEngine(root)
    assert engine.predict("intent", ["lost card"])[0].label == "card"
    engine.close()


def test_what_the_graph_cannot_compute_fails_alone(engine, gate):
    futures = hold(engine, gate)
    futures += engine.submit("intent", ["lost card", "poison", "euro rate"])
    gate.release()
    errors = [type(future.exception(PATIENCE)) for future in futures[1:]]
    assert errors == [type(None), InferenceError, type(None)]


def test_a_broken_task_does_not_hurt_others(root):
    (next((root / "ner").glob("*/model.onnx"))).parent.parent.joinpath("active.json").write_text(
        '{"version": "missing"}'
    )
    engine = LocalEngine(root)
    with pytest.raises(Exception, match="missing"):
        engine.predict("ner", ["Acme"])
    assert engine.predict("intent", ["lost card"])
    assert [info.task for info in engine.tasks()] == ["encoder", "intent"]
    engine.close()


def test_a_corrupt_model_gives_its_error_to_every_waiter(root):
    version = ModelStore(root).active_version("intent")
    (root / "intent" / version / "model.onnx").write_bytes(b"not a graph")
    engine = LocalEngine(root)
    futures = engine.submit("intent", ["a", "b"])
    assert all(isinstance(future.exception(PATIENCE), ArtifactError) for future in futures)
    engine.close()


def test_tasks_take_turns(engine, gate):
    futures = hold(engine, gate)
    futures += engine.submit("intent", [f"intent {i}" for i in range(24)])
    futures += engine.submit("encoder", ["one text"])
    release(gate, futures)
    assert "encoder" in [task for task, _ in gate.batches[:3]]


def test_small_calls_overtake_bulk_work_which_still_advances(engine, gate):
    futures = hold(engine, gate)
    futures += engine.submit("intent", [f"bulk {i}" for i in range(40)])
    for i in range(30):
        futures += engine.submit("intent", [f"small {i}"])
    release(gate, futures)
    order = ["bulk" in texts[0] for _, texts in gate.batches[1:]]
    assert not order[0]
    assert any(order[:5])


def test_batches_respect_both_bounds(engine, gate):
    futures = hold(engine, gate)
    futures += engine.submit("intent", [f"{i} " * (i % 30) for i in range(100)])
    release(gate, futures)
    for _, texts in gate.batches:
        assert len(texts) <= 8
        assert len(texts) == 1 or max(map(len, texts)) * len(texts) <= 200


def test_batches_group_similar_lengths(engine, gate):
    futures = hold(engine, gate)
    texts = [f"{i}" + " x" * (40 if i % 2 else 1) for i in range(10)]
    futures += engine.submit("intent", texts)
    release(gate, futures)
    for _, texts in gate.batches[1:]:
        assert len({len(text) > 40 for text in texts}) == 1


def test_a_batch_is_of_one_version(engine, gate, root, built):
    futures = hold(engine, gate)
    futures += engine.submit("intent", ["a", "b"])
    activate(root, "intent", built[1]["intent"][0])
    futures += engine.submit("intent", ["c", "d"])
    answers = release(gate, futures)
    assert len({answer.version for answer in answers[1:]}) == 1
    assert answers[1].version == built[1]["intent"][0]


def test_while_a_promoted_version_cannot_be_loaded_answers_come_from_the_cache(
    gate, root, built, monkeypatch
):
    newer, older = built[1]["intent"]
    tokenizer = root / "intent" / newer / "tokenizer.json"
    content = tokenizer.read_bytes()
    engine = LocalEngine(gate, settings=ONE_WORKER)
    engine.predict("intent", ["lost card"])
    tokenizer.unlink()
    activate(root, "intent", newer)
    for text in ("euro", "euro", "lost card"):
        assert engine.predict("intent", [text])[0].version == older
    assert gate.batches == [("intent", ("lost card",)), ("intent", ("euro",))]
    tokenizer.write_bytes(content)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 60)
    monkeypatch.setattr(registry, "time", later)  # when it is tried again
    assert engine.predict("intent", ["euro"])[0].version == newer
    engine.close()


def test_metrics_are_exposed(engine):
    engine.predict("intent", ["lost card", "lost card", "euro"])
    engine.predict("intent", ["euro"])
    registry = CollectorRegistry()
    registry.register(EngineCollector(engine))
    exposed = generate_latest(registry).decode()
    assert 'ml_engine_requests_total{task="intent"} 4.0' in exposed
    assert 'ml_engine_cache_hits_total{task="intent"} 1.0' in exposed
    assert 'ml_engine_coalesced_total{task="intent"} 1.0' in exposed
    assert 'ml_engine_latency_seconds_count{task="intent"} 3.0' in exposed
    assert 'ml_engine_batch_size_bucket{le="2.0",task="intent"} 1.0' in exposed
    assert "ml_engine_capacity 2048.0" in exposed
