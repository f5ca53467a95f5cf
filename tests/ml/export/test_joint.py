"""Joint builds: one graph for several tasks, each served as a version of its own."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ml.artifacts import MODEL, TOKENIZER, read_artifact
from ml.data.encoding import encode_words, load_tokenizer
from ml.data.words import readable_words
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, DataError, ExportMismatch, ModelNotFound
from ml.explain import gradients
from ml.explain.gradients import IntegratedGradients
from ml.export import joint as export
from ml.export.build import build_model
from ml.export.joint import build_joint, restore_joint
from ml.export.merge import merge_encoder
from ml.joint import declared_tasks, trunk_of
from ml.models.joint import OneTask
from ml.runtime import RuntimeSettings
from ml.serving.engine import TOGETHER_CHARACTERS, LocalEngine
from ml.serving.graph import Graph
from ml.serving.joint import load_joint
from ml.serving.predictors import load_predictor
from ml.serving.registry import ModelStore
from ml.training.multi_task import finetune_together
from ml.types import Classification, Embedding, Prediction, Tagging
from tests.ml.processors import processor_that
from tests.ml.serving.tiny_models import activate
from tests.ml.serving.tiny_models import build_model as build_tiny
from tests.ml.training.tiny_encoder import make_encoder
from tests.ml.training.tiny_joint import joint_request

ONE_THREAD = RuntimeSettings(1, 1)
TASKS = ("matter", "meaning", "names")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    encoder = make_encoder(folder / "encoder")
    asked = joint_request(folder, encoder, outside=True)
    finetune_together(asked)
    return asked.output


@pytest.fixture(scope="module")
def models(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("models")
    build_joint(trained, root)
    return root


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each pass of a graph."""
    seen: list[int] = []
    run = Graph.run

    def counted(self: Graph, batch: Any) -> Any:
        seen.append(len(batch.input_ids))
        return run(self, batch)

    monkeypatch.setattr(Graph, "run", counted)
    return seen


def _task(root: Path, task: str) -> Any:
    store = ModelStore(root)
    artifact = store.artifact(task)
    return load_predictor(root / task / artifact.version, artifact, ONE_THREAD)


def test_one_graph_is_built_and_each_task_is_a_version(trained: Path, models: Path) -> None:
    joint = read_artifact(trained)
    folder = models / "all" / joint.version
    assert {path.name for path in folder.iterdir()} == {"artifact.json", MODEL, TOKENIZER}
    built = read_artifact(folder)
    assert built.build is not None
    assert built.build.agreement >= export.MIN_AGREEMENT
    store = ModelStore(models)
    assert store.tasks() == list(TASKS)
    for name, declared in declared_tasks(joint).items():
        artifact = store.artifact(name)
        assert artifact.version == declared.version
        assert artifact.labels == declared.labels
        assert artifact.build == built.build
        assert [path.name for path in (models / name / artifact.version).iterdir()] == [
            "artifact.json"
        ]
    assert [info.task for info in store.infos()] == list(TASKS)
    assert store.problems() == {}


def test_each_task_answers_by_itself(models: Path) -> None:
    matter, names, meaning = (_task(models, task) for task in ("matter", "names", "meaning"))
    card, rate, outside, nothing = matter.predict(["card lost", "rate euro", "ann and rome", " "])
    assert (card.label, rate.label) == ("card", "rate")
    assert (card.in_scope, outside.in_scope, nothing.in_scope) == (True, False, False)
    assert nothing.confidence == 0.5
    (tagging,) = names.predict(["Ann lost the card"])
    assert [(entity.text, entity.label, entity.start) for entity in tagging.entities] == [
        ("Ann", "PER", 0)
    ]
    assert names.tag_words([("Ann", "lost"), ()])[0][0] == "B-PER"
    vectors = [answer.vector for answer in meaning.predict(["the card", ""])]
    assert np.linalg.norm(vectors[0]) == pytest.approx(1.0, abs=1e-5)
    assert not vectors[1].any()
    assert matter.vectors(["the card", ""]).shape == (2, 32)


def test_a_long_text_is_tagged_to_its_end_and_classified_by_its_beginning(models: Path) -> None:
    matter, names = _task(models, "matter"), _task(models, "names")
    text = "card lost and " + "the bank of the card and " * 40 + "Ann lost the card"
    (tagging,) = names.predict([text])
    assert [(entity.text, entity.label) for entity in tagging.entities][-1] == ("Ann", "PER")
    assert text[tagging.entities[-1].start :].startswith("Ann")
    (answer,) = matter.predict([text])
    assert answer.label == "card"
    (embedding,) = _task(models, "meaning").predict([text])
    assert (tagging.truncated, answer.truncated, embedding.truncated) == (False, True, True)
    trunk = trunk_of(ModelStore(models).artifact("names"))
    assert trunk is not None
    folder = trunk.folder(models / "names" / "any")
    joint = load_joint(folder, read_artifact(folder), ONE_THREAD)
    texts = ["card lost", "the " * 15_000]
    together = joint.predict(texts)
    for task in TASKS:
        for answers in (_task(models, task).predict(texts), [every.of[task] for every in together]):
            assert [answer.truncated for answer in answers] == [False, True]


def test_offsets_are_those_of_the_text_as_it_was_given(models: Path) -> None:
    text = "see https://acme.example/ann &amp; Ann lost\u200b the card"
    (tagging,) = _task(models, "names").predict([text])
    assert all(text[entity.start : entity.end] == entity.text for entity in tagging.entities)
    assert "Ann" in [entity.text for entity in tagging.entities]
    words = readable_words(text)
    assert [word.text for word in words] == ["see", "&", "Ann", "lost", "the", "card"]
    assert text[words[1].start : words[1].end] == "&amp;"


def test_all_tasks_of_a_text_cost_one_pass(models: Path, passes: list[int]) -> None:
    engine = LocalEngine(models, settings=ONE_THREAD)
    try:
        engine.warm()
        passes.clear()
        texts = ["lost the card", "the euro rate in Rome"]
        futures: dict[str, list[Future[Prediction]]] = {
            task: engine.submit(task, texts) for task in TASKS
        }
        found = {task: [future.result(10) for future in each] for task, each in futures.items()}
        assert sum(passes) == len(texts)
        for task, kind in zip(TASKS, (Classification, Embedding, Tagging), strict=True):
            alone = _task(models, task).predict(texts)
            for one, other in zip(found[task], alone, strict=True):
                assert isinstance(one, kind)
                assert one.version == other.version == ModelStore(models).active_version(task)
        assert found["matter"][0].label == "card"  # type: ignore[union-attr]
        stats = engine.stats().tasks
        assert [stats[task].requests for task in TASKS] == [2, 2, 2]
        assert stats["all"].batches == len(passes) - len(TASKS)
        passes.clear()
        assert engine.predict("names", texts) == found["names"]
        assert passes == []
    finally:
        engine.close()


def test_a_long_text_is_read_for_the_task_that_is_asked(models: Path, passes: list[int]) -> None:
    engine = LocalEngine(models, settings=ONE_THREAD)
    try:
        engine.warm()
        long = "the card of the bank " * (TOGETHER_CHARACTERS // 20)
        passes.clear()
        assert len(engine.predict("matter", [long, "the rate"])) == 2
        assert sorted(passes) == [1, 1]  # the beginning of the long one, and the short one
        assert len(engine.predict("names", [long])) == 1
        assert passes[-1] > 1
    finally:
        engine.close()


def test_what_is_kept_of_a_task_is_found_and_let_go_by_its_name(models: Path) -> None:
    engine = LocalEngine(models, settings=ONE_THREAD)
    try:
        engine.warm()
        engine.predict("meaning", ["lost the card"])
        engine.predict("names", ["the euro rate"])
        assert engine.cached_texts("meaning") == ["lost the card", "the euro rate"]
        assert engine.cached_texts("another") == []
        assert engine.drop_cached("another") == 0
        assert engine.drop_cached("meaning") == 2
        assert engine.cached_texts("meaning") == []
    finally:
        engine.close()


def test_a_task_goes_back_to_a_model_of_its_own(models: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    shutil.copytree(models, root)
    store = ModelStore(root)
    shared = store.active_version("matter")
    single = build_tiny(root, "matter", "classification")
    engine = LocalEngine(root, settings=ONE_THREAD)
    try:
        engine.warm()
        (before,) = engine.predict("matter", ["card lost"])
        store.activate("matter", shared)
        (first, second) = (engine.predict("matter", ["card lost"])[0] for _ in range(2))
    finally:
        engine.close()
    assert before.version == single
    assert first.version == second.version == shared


def test_a_task_whose_joint_model_is_gone_is_not_served(models: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    shutil.copytree(models, root)
    trunk = trunk_of(ModelStore(root).artifact("matter"))
    assert trunk is not None
    shutil.rmtree(root / "all")
    with pytest.raises(ModelNotFound, match="'all' has no version"):
        ModelStore(root).artifact("matter")
    assert ModelStore(root).infos() == []


def test_it_is_active_for_its_tasks_alone(trained: Path, models: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    shutil.copytree(models, root)
    version = read_artifact(trained).version
    told = "is the joint model of matter, meaning, names"
    with pytest.raises(ArtifactError, match=told):
        ModelStore(root).activate("all", version)
    assert ModelStore(root).tasks() == list(TASKS)

    activate(root, "all", version)  # as an earlier release did
    engine = LocalEngine(root, settings=ONE_THREAD)
    try:
        assert [info.task for info in engine.tasks()] == list(TASKS)
        engine.warm()
        assert engine.refresh() == []
        with pytest.raises(ArtifactError, match=told):
            engine.predict("all", ["card lost"])
        assert len(engine.predict("matter", ["card lost"])) == 1
    finally:
        engine.close()
    with pytest.raises(ArtifactError, match=told):
        _task(root, "all")
    problems = ModelStore(root).problems()
    assert [*problems] == ["all"]
    assert told in problems["all"]


def test_no_graph_that_disagrees_is_stored(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MIN_AGREEMENT", 1.01)
    with pytest.raises(ExportMismatch, match="all: the exported graph agrees"):
        build_joint(trained, tmp_path)
    assert not list(tmp_path.rglob("*.json"))


def test_it_is_no_model_of_one_task(trained: Path, tmp_path: Path) -> None:
    for use in (build_model, merge_encoder):
        with pytest.raises(ArtifactError, match="is the joint model of matter, meaning, names"):
            use(trained, tmp_path / "target")
    assert not list(tmp_path.rglob("*.json"))


def test_a_build_is_not_made_again(trained: Path, models: Path) -> None:
    version = read_artifact(trained).version
    made = (models / "all" / version / MODEL).stat().st_mtime_ns
    steps: list[int] = []
    assert build_joint(trained, models, lambda done, *_: steps.append(done)).version == version
    assert steps == [4]
    assert (models / "all" / version / MODEL).stat().st_mtime_ns == made
    active = json.loads((models / "matter" / "active.json").read_text())
    assert active["version"] == ModelStore(models).active_version("matter")


def test_a_joint_model_for_another_processor_is_replaced_with_its_tasks(
    trained: Path, tmp_path: Path
) -> None:
    with processor_that(overflows=False):
        there = build_joint(trained, tmp_path, activate=False)
    assert ModelStore(tmp_path).tasks() == []
    with processor_that(overflows=True):
        store = ModelStore(tmp_path)
        with pytest.raises(ArtifactError, match="was built for another processor"):
            store.artifact("matter", declared_tasks(there)["matter"].version)
        here = build_joint(trained, tmp_path)
        assert store.problems() == {}
        assert {store.artifact(name).build for name in TASKS} == {here.build}
    assert here.build is not None
    assert here.build.weight_bits == 7


def test_what_words_add_to_the_logit_of_a_task_sums_up_to_its_change(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradients, "STEPS", 400)  # the tiny encoder is steep
    explainer = IntegratedGradients(trained, "matter")
    found = explainer.explain("card lost now")
    artifact = read_artifact(trained)
    source = resolve_encoder(artifact.encoder.name)
    model = OneTask(restore_joint(artifact, source, trained), "matter").eval()
    tokenizer = load_tokenizer(source.path / "tokenizer.json")
    batch = encode_words(tokenizer, [["card", "lost", "now"]], max_length=artifact.max_length)
    assert batch.shape_ids is not None
    ids, mask, shapes = (
        torch.from_numpy(part) for part in (batch.input_ids, batch.attention_mask, batch.shape_ids)
    )
    nothing = ids.clone()
    nothing[:, 1:-1] = tokenizer.token_to_id("[PAD]")
    column = explainer.artifact.labels.index(found.label)
    with torch.inference_mode():
        full, empty = (
            model(input_ids=one, attention_mask=mask, shape_ids=shapes)["logits"][0, column].item()
            for one in (ids, nothing)
        )
    total = sum(piece.score for piece in found.pieces)
    assert total == pytest.approx(full - empty, abs=0.05 * abs(full - empty))


def test_gradients_explain_the_text_as_it_was_given(trained: Path, models: Path) -> None:
    text = "card &amp; lost https://x.example now"
    found = IntegratedGradients(trained, "matter").explain(text)
    served = ModelStore(models).load("matter").predict([text])[0]
    assert isinstance(served, Classification)
    assert (found.label, found.version) == (served.label, served.version)
    assert found.confidence == pytest.approx(served.confidence, abs=0.05)
    assert found.text == text
    assert all(text[piece.start : piece.end] == piece.text for piece in found.pieces)
    unread = [piece.score for piece in found.pieces if piece.text in ("https", "x.example")]
    assert not any(unread)


def test_a_joint_model_is_explained_task_by_task(trained: Path) -> None:
    with pytest.raises(DataError, match="name one"):
        IntegratedGradients(trained)
    with pytest.raises(DataError, match="classifiers are explained"):
        IntegratedGradients(trained, "names")
