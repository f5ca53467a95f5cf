"""Built models on disk: versions, promotion, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
import threading
from dataclasses import replace

import pytest

from ml.artifacts import Build, read_artifact, write_artifact
from ml.errors import ArtifactError, ModelNotFound
from ml.outputs import staged_folder
from ml.runtime import RuntimeSettings
from ml.serving import registry
from ml.serving.predictors import load_predictor
from ml.serving.protocol import named_version
from ml.serving.registry import ModelStore
from tests.ml.processors import processor_that
from tests.ml.serving.tiny_models import activate, build_model

BUILT_ELSEWHERE = Build("int8", 68, 1.0, 0.01, "a tool", 8)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "models"


@pytest.fixture
def versions(root):
    """Two versions of ``intent``, the first of them active."""
    found = [
        build_model(root, "intent", "classification", created_at=f"2026-01-0{day}T00:00:00+00:00")
        for day in (1, 2)
    ]
    activate(root, "intent", found[0])
    return found


def test_an_absent_folder_has_no_tasks(root):
    store = ModelStore(root)
    assert store.tasks() == []
    assert store.infos() == []
    with pytest.raises(ModelNotFound, match="intent"):
        store.load("intent")


def test_tasks_and_versions_are_listed(root, versions):
    store = ModelStore(root)
    assert store.tasks() == ["intent"]
    assert store.versions("intent") == versions
    info = store.info("intent")
    assert (info.version, info.kind, info.labels[0]) == (versions[0], "classification", "card")
    assert info.size_bytes > 0
    assert store.info("intent", versions[1]).version == versions[1]
    with pytest.raises(ModelNotFound):
        store.versions("topic")


@pytest.mark.parametrize("name", ["..", "../intent", "intent/..", "", ".hidden", "a" * 200])
def test_names_cannot_leave_the_folder(root, versions, name):
    store = ModelStore(root)
    with pytest.raises(ModelNotFound):
        store.load(name)
    with pytest.raises(ModelNotFound):
        store.activate("intent", name or "..")


def test_the_same_predictor_serves_until_a_promotion(root, versions):
    store = ModelStore(root)
    first = store.load("intent")
    assert store.load("intent") is first
    store.activate("intent", versions[1])
    assert store.load("intent").info.version == versions[1]


def test_no_batch_waits_while_this_process_loads_what_it_promotes(root, versions, monkeypatch):
    store = ModelStore(root)
    store.load("intent")
    loading, go = threading.Event(), threading.Event()

    def slow(*given):
        loading.set()
        assert go.wait(10)
        return load_predictor(*given)

    monkeypatch.setattr(registry, "load_predictor", slow)
    promotion = threading.Thread(target=store.activate, args=("intent", versions[1]))
    promotion.start()
    assert loading.wait(10)
    assert store.load("intent").info.version == versions[0]
    go.set()
    promotion.join()
    monkeypatch.setattr(registry, "load_predictor", None)  # it is in memory by now
    assert store.load("intent").info.version == versions[1]


def test_what_was_served_before_is_rolled_back_to_without_loading(root, versions, monkeypatch):
    store = ModelStore(root)
    before = store.load("intent")
    activate(root, "intent", versions[1])
    assert store.load("intent") is not before
    monkeypatch.setattr(registry, "load_predictor", None)
    activate(root, "intent", versions[0])
    assert store.load("intent") is before


def test_a_promotion_by_another_process_is_seen(root, versions):
    store = ModelStore(root)
    assert store.load("intent").info.version == versions[0]
    ModelStore(root).activate("intent", versions[1])
    assert store.active_version("intent") == versions[1]
    assert store.load("intent").info.version == versions[1]


def test_a_store_that_is_refreshed_never_loads_for_a_batch(root, versions, monkeypatch):
    store = ModelStore(root)
    store.load("intent")
    assert store.refresh() == []
    loading, go_on = threading.Event(), threading.Event()

    def slow(folder, artifact, runtime):
        loading.set()
        assert go_on.wait(10)
        return load_predictor(folder, artifact, runtime)

    monkeypatch.setattr(registry, "load_predictor", slow)
    ModelStore(root).activate("intent", versions[1])
    assert store.load("intent").info.version == versions[0], "the batch does not load it"
    assert not loading.is_set()
    refreshed: list[list[str]] = []
    thread = threading.Thread(target=lambda: refreshed.append(store.refresh()))
    thread.start()
    assert loading.wait(10)
    assert store.load("intent").info.version == versions[0], "nor waits for it"
    go_on.set()
    thread.join()
    assert refreshed == [["intent"]]
    assert store.load("intent").info.version == versions[1]
    activate(root, "intent", "missing")
    assert store.refresh() == []
    assert store.load("intent").info.version == versions[1]


def test_what_killed_promotions_left_is_deleted_by_the_next(root, versions):
    folder = root / "intent"
    left, young = folder / ".active.json.left", folder / ".active.json.young"
    build, building = folder / ".20260103-0.left", folder / ".20260103-0.young"
    for path in (left, young):
        path.write_text('{"version": "20260102-0"}', encoding="utf-8")
    for path in (build, building):
        path.mkdir()
        (path / "model.onnx").write_bytes(b"half")
    for path in (left, build):
        os.utime(path, (0, 0))
    ModelStore(root).activate("intent", versions[1])
    assert sorted(path.name for path in folder.glob(".*")) == [building.name, young.name]
    os.utime(young, (0, 0))
    of_a_joint_model = root / "all" / ".20260103-0.left"  # which is active for no task of its own
    of_a_joint_model.mkdir(parents=True)
    os.utime(of_a_joint_model, (0, 0))
    assert ModelStore(root).remove_leftovers() == 2
    assert ModelStore(root).active_version("intent") == versions[1]


def test_an_unknown_version_is_not_activated(root, versions):
    store = ModelStore(root)
    with pytest.raises(ModelNotFound, match="no version"):
        store.activate("intent", "20990101-00000000")
    assert store.active_version("intent") == versions[0]


def test_an_altered_version_is_not_activated(root, versions):
    store = ModelStore(root)
    store.info("intent", versions[1])
    path = root / "intent" / versions[1] / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match="bytes"):
        store.activate("intent", versions[1])
    assert store.active_version("intent") == versions[0]
    assert sorted(path.name for path in (root / "intent").iterdir()) == [*versions, "active.json"]


def test_the_version_in_service_stays_when_the_promoted_one_is_broken(root, versions):
    store = ModelStore(root)
    store.load("intent")
    (root / "intent" / versions[1] / "tokenizer.json").unlink()
    activate(root, "intent", versions[1])
    assert store.load("intent").info.version == versions[0]
    assert "tokenizer.json is missing" in store.problems()["intent"]


def test_a_graph_that_would_overflow_here_is_not_served_until_it_is_built_anew(root, versions):
    folder = root / "intent" / versions[0]
    before = read_artifact(folder)
    write_artifact(folder, replace(before, build=BUILT_ELSEWHERE), overwrite=True)
    with processor_that(overflows=True):
        store = ModelStore(root)
        with pytest.raises(ArtifactError, match=f"{versions[0]}: was built for another processor"):
            store.load("intent")
        assert "manage.py build_models" in store.problems()["intent"]
        assert store.infos() == []
        with pytest.raises(ArtifactError, match="was built for another processor"):
            store.load(named_version("intent", versions[0]))
        store.activate("intent", versions[1])
        with pytest.raises(ArtifactError, match="was built for another processor"):
            store.activate("intent", versions[0])
        assert store.load("intent").info.version == versions[1]
        write_artifact(
            folder, replace(before, build=replace(BUILT_ELSEWHERE, weight_bits=7)), overwrite=True
        )
        store.activate("intent", versions[0])
        assert store.load("intent").info.version == versions[0]
    with processor_that(overflows=False):
        assert ModelStore(root).load("intent")


def test_a_repaired_promotion_is_served(root, versions):
    store = ModelStore(root)
    activate(root, "intent", "missing")
    with pytest.raises(ModelNotFound):
        store.load("intent")
    assert "missing" in store.problems()["intent"]
    activate(root, "intent", versions[0])
    assert store.load("intent")
    assert store.problems() == {}


@pytest.mark.parametrize(
    "content", ["", "not json", "[]", "{}", '{"version": 3}', '{"version": "../x"}', b"\xff\xfe"]
)
def test_a_bad_active_file_is_named(root, versions, content):
    path = root / "intent" / "active.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ArtifactError, match=r"active\.json"):
        ModelStore(root).load("intent")


def test_a_trained_artifact_that_was_not_built_is_refused(root, versions):
    path = root / "intent" / versions[0] / "artifact.json"
    declared = json.loads(path.read_text())
    declared["build"] = None
    path.write_text(json.dumps(declared))
    with pytest.raises(ArtifactError):
        ModelStore(root).load("intent")


def test_a_model_in_the_folder_of_another_task_is_refused(root, versions):
    (root / "intent").rename(root / "topic")
    with pytest.raises(ArtifactError, match="task 'intent'"):
        ModelStore(root).load("topic")


def test_a_graph_of_the_wrong_kind_is_refused(root, tmp_path):
    version = build_model(root, "ner", "ner")
    declared = root / "ner" / version
    other = build_model(tmp_path / "other" / "models", "ner", "embedding")
    graph = tmp_path / "other" / "models" / "ner" / other
    content = json.loads((declared / "artifact.json").read_text())
    content["files"]["model.onnx"] = json.loads((graph / "artifact.json").read_text())["files"][
        "model.onnx"
    ]
    (declared / "artifact.json").write_text(json.dumps(content))
    (declared / "model.onnx").write_bytes((graph / "model.onnx").read_bytes())
    with pytest.raises(ArtifactError, match="shape_ids"):
        ModelStore(root).load("ner")


def test_a_version_that_is_built_anew_is_declared_anew(root, versions):
    store = ModelStore(root)
    known = store.artifact("intent")
    assert store.artifact("intent") is known
    folder = root / "intent" / versions[0]
    other = root / "intent" / build_model(root, "intent", "classification", labels=("card",) * 9)
    with staged_folder(folder) as staging:
        for name in ("model.onnx", "tokenizer.json"):
            shutil.copyfile(other / name, staging / name)
        write_artifact(staging, replace(known, build=replace(known.build, precision="fp16")))
    assert store.artifact("intent", versions[0]).build.precision == "fp16"
    with pytest.raises(ArtifactError, match=r"model\.onnx: has .* bytes"):
        load_predictor(folder, known, RuntimeSettings())


def test_threads_that_ask_together_share_one_load(root, versions):
    store = ModelStore(root)
    found: list[int] = []
    barrier = threading.Barrier(8)

    def load() -> None:
        barrier.wait()
        found.append(id(store.load("intent")))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_version_is_served_by_name_beside_the_active_one(root, versions):
    store = ModelStore(root)
    name = named_version("intent", versions[1])
    assert (store.active_version(name), store.unit(name)) == (versions[1], name)
    named = store.load(name)
    assert named.info.version == versions[1]
    assert store.load(name) is named
    assert store.load("intent").info.version == versions[0]
    assert store.load(named_version("intent", versions[0])) is store.load("intent")
    store.activate("intent", versions[1])
    assert store.load("intent") is named  # it is not loaded a second time


def test_a_version_that_loads_by_name_holds_up_no_other(root, versions, monkeypatch):
    topic = build_model(root, "topic", "classification")
    other = build_model(root, "intent", "classification", created_at="2026-01-03T00:00:00+00:00")
    activate(root, "intent", versions[0])
    store = ModelStore(root)
    store.load("intent")
    store.load(named_version("intent", other))
    loading, go_on, answered = threading.Event(), threading.Event(), threading.Event()

    def slow(folder, artifact, runtime):
        if artifact.version == versions[1]:
            loading.set()
            assert go_on.wait(10)
        return load_predictor(folder, artifact, runtime)

    def others() -> None:
        store.load(named_version("topic", topic))
        store.load(named_version("intent", other))
        answered.set()

    monkeypatch.setattr(registry, "load_predictor", slow)
    threads = [
        threading.Thread(target=store.load, args=(named_version("intent", versions[1]),)),
        threading.Thread(target=others),
    ]
    threads[0].start()
    assert loading.wait(10)
    threads[1].start()
    free = answered.wait(5)
    go_on.set()
    for thread in threads:
        thread.join()
    assert free


@pytest.mark.parametrize("version", ["20200101-0", "..", ".hidden", "a/b"])
def test_a_version_that_is_not_there_is_not_served_by_name(root, versions, version):
    store = ModelStore(root)
    with pytest.raises(ModelNotFound):
        store.active_version(named_version("intent", version))


def test_only_the_last_versions_asked_for_by_name_stay_in_memory(root, versions):
    store = ModelStore(root)
    made = [
        build_model(root, "intent", "classification", created_at=f"2026-02-0{day}T00:00:00+00:00")
        for day in range(1, 7)
    ]
    first = store.load(named_version("intent", made[0]))
    for version in made[1:5]:
        store.load(named_version("intent", version))
    assert store.load(named_version("intent", made[0])) is not first
