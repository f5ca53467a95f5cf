"""Builds: the served graph answers as the trained model does, or is not served."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

from ml.artifacts import HEAD, MODEL, TABLES, TOKENIZER, read_artifact, write_artifact
from ml.encoders import DEFAULT_ENCODER
from ml.errors import ArtifactError, ExportMismatch
from ml.export import build as export
from ml.export import tables
from ml.export.build import build_encoder, build_model, usable_build
from ml.export.probes import PROBES
from ml.export.quantise import PRECISIONS, quantise, weighted_products
from ml.runtime import RuntimeSettings
from ml.serving.predictors import load_predictor
from ml.serving.registry import ModelStore
from ml.training.finetune import finetune
from ml.types import Kind
from tests.ml.full_disk import full_disk
from tests.ml.processors import processor_that
from tests.ml.training.test_finetune import RATES
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config

KINDS: tuple[Kind, ...] = ("classification", "ner")
OTHERS = {
    f"{method}-{kind}": (method, kind)
    for method in RATES
    for kind in KINDS
    if method not in ("lora", "full", "head")
}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="module")
def trained(encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of trained artifacts, by kind or method, or by both."""
    folder = tmp_path_factory.mktemp("trained")
    runs: dict[str, tuple[Kind, dict[str, Any]]] = {
        "classification": ("classification", {}),
        "scoped": ("classification", {}),
        "full": ("classification", {"method": "full", "learning_rate": 5e-3}),
        "head": ("classification", {"method": "head", "learning_rate": 5e-2}),
        **{
            name: (kind, {"method": method, "learning_rate": RATES[method], "epochs": 2.0})
            for name, (method, kind) in OTHERS.items()
        },
        "ner": ("ner", {}),
        "embedding": ("embedding", {}),
    }
    found = {}
    for name, (kind, changes) in runs.items():
        asked = request(
            folder / name,
            kind,
            tiny_config(encoder, **changes),
            outside=name == "scoped",
            name=name,
        )
        finetune(asked)
        found[name] = asked.output
    return found


def _served(root: Path, task: str, version: str) -> Any:
    folder = root / task / version
    return load_predictor(folder, read_artifact(folder), RuntimeSettings())


BUILT = ("classification", "scoped", "full", "head", "ner", *OTHERS)


@pytest.mark.parametrize("name", BUILT)
def test_a_build_agrees_with_its_source_and_becomes_active(
    trained: dict[str, Path], tmp_path: Path, name: str
) -> None:
    source = read_artifact(trained[name])
    steps: list[tuple[int, int, str]] = []
    built = build_model(trained[name], tmp_path, lambda *step: steps.append(step))

    folder = tmp_path / name / source.version
    assert read_artifact(folder) == built
    assert {path.name for path in folder.iterdir()} == {"artifact.json", MODEL, TOKENIZER}
    assert built.build is not None
    assert built.build.precision in (*PRECISIONS, "fp32")
    assert built.build.agreement >= export.MIN_AGREEMENT
    assert built.build.probe_texts == len(PROBES) >= 64
    assert replace(built, build=None, files=source.files) == source
    assert json.loads((tmp_path / name / "active.json").read_text()) == {"version": built.version}
    assert [done for done, _, _ in steps] == sorted(done for done, _, _ in steps)
    assert steps[-1][0] == steps[-1][1]


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("classification", ["input_ids", "attention_mask"], {"logits": 2, "pooled": 32}),
        ("scoped", ["input_ids", "attention_mask"], {"logits": 3, "pooled": 32}),
        ("ner", ["input_ids", "attention_mask", "shape_ids"], {"logits": 7}),
    ],
)
def test_the_graph_takes_and_gives_what_serving_expects(
    trained: dict[str, Path],
    tmp_path: Path,
    name: str,
    inputs: list[str],
    outputs: dict[str, int],
) -> None:
    built = build_model(trained[name], tmp_path)
    session = onnxruntime.InferenceSession(str(tmp_path / name / built.version / MODEL))
    assert [(i.name, i.type) for i in session.get_inputs()] == [
        (i, "tensor(int64)") for i in inputs
    ]
    for batch, tokens in ((1, 3), (5, 16)):
        feed = {i: np.ones((batch, tokens), np.int64) for i in inputs}
        answers = dict(zip(outputs, session.run(list(outputs), feed), strict=True))
        middle = (tokens,) if name == "ner" else ()
        for output, width in outputs.items():
            assert answers[output].shape == (batch, *middle, width)
            assert answers[output].dtype == np.float32


def test_a_large_table_is_a_file_of_the_build(
    trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LARGE", 100)
    built = build_model(trained["scoped"], tmp_path)
    folder = tmp_path / "scoped" / built.version
    assert TABLES in built.files
    assert built.version == read_artifact(trained["scoped"]).version
    assert _served(tmp_path, "scoped", built.version).predict(["aa bb"])

    content = (folder / TABLES).read_bytes()
    (folder / TABLES).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArtifactError, match=f"{TABLES}: was altered"):
        read_artifact(folder)
    (folder / TABLES).unlink()
    with pytest.raises(ArtifactError, match=f"{TABLES} is missing"):
        read_artifact(folder)


def test_padding_does_not_change_an_answer(trained: dict[str, Path], tmp_path: Path) -> None:
    built = build_model(trained["classification"], tmp_path)
    path = tmp_path / "classification" / built.version / MODEL
    session = onnxruntime.InferenceSession(str(path))
    ids = np.array([[2, 4, 6, 3]])
    padded = np.pad(ids, ((0, 0), (0, 9)))
    logits = [
        session.run(["logits"], {"input_ids": i, "attention_mask": (i > 0).astype(np.int64)})[0]
        for i in (ids, padded)
    ]
    np.testing.assert_allclose(logits[0], logits[1], atol=0.05)


def test_the_build_is_served(trained: dict[str, Path], tmp_path: Path) -> None:
    for name in ("scoped", "ner"):
        build_model(trained[name], tmp_path)
    scoped, tagger = (
        _served(tmp_path, name, read_artifact(trained[name]).version) for name in ("scoped", "ner")
    )
    card, rate, outside = scoped.predict(["card lost", "rate euro", "ann and rome"])
    assert (card.label, rate.label, outside.in_scope) == ("card", "rate", False)
    assert [tags[0] for tags in tagger.tag_words([("Ann", "lost", "the", "card")])] == ["B-PER"]


def test_an_existing_build_is_not_made_again(trained: dict[str, Path], tmp_path: Path) -> None:
    first = build_model(trained["ner"], tmp_path)
    path = tmp_path / "ner" / first.version / MODEL
    made = path.stat().st_mtime_ns
    assert build_model(trained["ner"], tmp_path) == first
    assert path.stat().st_mtime_ns == made


def test_a_build_for_another_processor_is_replaced_and_one_that_suits_stays(
    trained: dict[str, Path], tmp_path: Path
) -> None:
    with processor_that(overflows=False):
        there = build_model(trained["ner"], tmp_path)
    with processor_that(overflows=True):
        assert usable_build(tmp_path, there) is None
        here = build_model(trained["ner"], tmp_path)
    assert there.build is not None
    assert here.build is not None
    assert (there.build.weight_bits, here.build.weight_bits) == (8, 7)
    assert there.version == here.version
    folder = tmp_path / "ner" / here.version
    assert read_artifact(folder) == here
    assert [path.name for path in (tmp_path / "ner").glob(".*")] == []
    with processor_that(overflows=False):
        assert build_model(trained["ner"], tmp_path) == here, "7 bits are right there, too"


def test_a_build_that_is_not_whole_is_replaced(trained: dict[str, Path], tmp_path: Path) -> None:
    first = build_model(trained["ner"], tmp_path)
    folder = tmp_path / "ner" / first.version
    (folder / MODEL).write_bytes(b"cut off")
    build_model(trained["ner"], tmp_path)
    assert read_artifact(folder).task == "ner"
    shutil.copyfile(trained["ner"] / "artifact.json", folder / "artifact.json")  # of no build
    assert build_model(trained["ner"], tmp_path).build is not None


def test_a_full_disk_leaves_no_build_behind(trained: dict[str, Path], tmp_path: Path) -> None:
    with full_disk(4096), pytest.raises(ArtifactError, match="cannot be written"):
        build_model(trained["ner"], tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_active_version_stays_when_another_is_built(
    trained: dict[str, Path], tmp_path: Path
) -> None:
    first = build_model(trained["ner"], tmp_path)
    other = tmp_path / "other"
    shutil.copytree(trained["ner"], other)
    second = write_artifact(
        other, replace(read_artifact(other), created_at="2031-01-01T00:00:00+00:00"), overwrite=True
    )
    build_model(other, tmp_path)
    store = ModelStore(tmp_path)
    assert set(store.versions("ner")) == {first.version, second.version}
    assert json.loads((tmp_path / "ner" / "active.json").read_text())["version"] == first.version


def test_the_plain_encoder_gives_unit_vectors(encoder: Path, tmp_path: Path) -> None:
    built = build_encoder(str(encoder), tmp_path)
    assert (built.task, built.kind, built.labels) == ("encoder", "embedding", ())
    predictor = _served(tmp_path, "encoder", built.version)
    vectors = [answer.vector for answer in predictor.predict(["card", "the rate of the euro"])]
    np.testing.assert_allclose([np.linalg.norm(v) for v in vectors], 1.0, atol=1e-5)


def test_a_quantised_graph_that_disagrees_falls_back(
    trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def useless(plain: Path, target: Path, precision: str) -> None:
        tried.append(precision)
        model = onnx.load(str(plain))
        for weight in model.graph.initializer:
            if weight.name.startswith("model.head") and len(weight.dims) == 2:
                values = onnx.numpy_helper.to_array(weight)
                weight.CopyFrom(onnx.numpy_helper.from_array(-values, weight.name))
        onnx.save(model, str(target))

    monkeypatch.setattr(export, "quantise", useless)
    built = build_model(trained["classification"], tmp_path)
    assert tried == list(PRECISIONS)
    assert built.build is not None
    assert (built.build.precision, built.build.agreement) == ("fp32", 1.0)
    assert built.build.max_difference < 1e-4


def test_small_differences_everywhere_are_refused_too(
    trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_MEAN_DIFFERENCE", 1e-6)
    built = build_model(trained["full"], tmp_path)
    assert built.build is not None
    assert built.build.precision == "fp32"


def test_no_graph_that_disagrees_is_stored(
    trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MIN_AGREEMENT", 1.01)
    with pytest.raises(ExportMismatch, match="classification: the exported graph agrees"):
        build_model(trained["classification"], tmp_path)
    assert not list(tmp_path.rglob(MODEL))
    assert not (tmp_path / "classification" / "active.json").exists()


def test_an_interrupted_build_leaves_nothing(
    trained: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export, "write_artifact", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build_model(trained["classification"], tmp_path)
    assert list((tmp_path / "classification").iterdir()) == []


def test_a_corrupt_artifact_is_not_built(trained: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "corrupt"
    shutil.copytree(trained["head"], folder)
    content = bytearray((folder / HEAD).read_bytes())
    content[-1] ^= 1
    (folder / HEAD).write_bytes(content)
    with pytest.raises(ArtifactError, match="was altered"):
        build_model(folder, tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_an_artifact_of_another_encoder_is_not_built(
    trained: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "foreign"
    shutil.copytree(trained["head"], folder)
    artifact = read_artifact(folder)
    foreign = replace(artifact, encoder=replace(artifact.encoder, sha256="0" * 64))
    write_artifact(folder, foreign, overwrite=True)
    with pytest.raises(ArtifactError, match="another encoder"):
        build_model(folder, tmp_path / "models")


def test_a_head_that_does_not_fit_is_named(trained: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(trained["head"], folder)
    shutil.copyfile(trained["ner"] / HEAD, folder / HEAD)
    write_artifact(folder, read_artifact(trained["head"]), overwrite=True)
    with pytest.raises(ArtifactError, match=r"head\.safetensors: does not fit the model"):
        build_model(folder, tmp_path / "models")


@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_precision_is_smaller_and_close(tmp_path: Path, precision: str) -> None:
    """On a graph with a table and products of the shapes that encoders have."""
    rng = np.random.default_rng(7)
    weights = {
        "table": rng.normal(size=(16_000, 64)).astype(np.float32),
        "square": rng.normal(size=(64, 64)).astype(np.float32) / 8,
        "up": rng.normal(size=(64, 256)).astype(np.float32) / 8,
        "down": rng.normal(size=(256, 64)).astype(np.float32) / 16,
    }
    nodes = [onnx.helper.make_node("Gather", ["table", "ids"], ["a"])]
    for name, before, after in (("square", "a", "b"), ("up", "b", "c"), ("down", "c", "out")):
        nodes.append(onnx.helper.make_node("MatMul", [before, name], [after], name=name))
    graph = onnx.helper.make_graph(
        nodes,
        "products",
        [onnx.helper.make_tensor_value_info("ids", onnx.TensorProto.INT64, ["n"])],
        [onnx.helper.make_tensor_value_info("out", onnx.TensorProto.FLOAT, ["n", 64])],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    plain, small = tmp_path / "plain.onnx", tmp_path / "small.onnx"
    onnx.save(model, str(plain))
    quantise(plain, small, precision)

    kinds = {"square": ["square"], "up": ["up"], "down": ["down"]}
    assert weighted_products(model) == kinds
    by_block = {n.name for n in onnx.load(str(small)).graph.node if n.op_type == "MatMulNBits"}
    assert len(by_block) == len(PRECISIONS[precision])
    assert small.stat().st_size < 0.55 * plain.stat().st_size
    feed = {"ids": np.arange(40)}
    before, after = (
        onnxruntime.InferenceSession(str(path)).run(["out"], feed)[0] for path in (plain, small)
    )
    assert np.abs(before - after).mean() < 0.02 * np.abs(before).mean() + 0.01


@pytest.mark.models
def test_the_shipped_encoder_builds_to_8_bits(tmp_path: Path) -> None:
    built = build_encoder(DEFAULT_ENCODER, tmp_path)
    assert built.build is not None
    assert built.build.precision.startswith("int8")
    assert built.build.max_difference < 0.05
    assert (tmp_path / "encoder" / built.version / MODEL).stat().st_size < 45_000_000


@pytest.mark.parametrize(
    ("overflows", "largest"),
    [(True, 64), (False, 127)],
)
def test_processors_that_would_overflow_get_weights_of_seven_bits(
    tmp_path: Path, overflows: bool, largest: int
) -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]>'
        "products (float[n, 64] a) => (float[n, 64] b) { b = MatMul(a, weight) }"
    )
    weight = np.random.default_rng(7).normal(size=(64, 64)).astype(np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weight, "weight"))
    onnx.save(model, str(tmp_path / "plain.onnx"))
    with processor_that(overflows=overflows):
        quantise(tmp_path / "plain.onnx", tmp_path / "small.onnx", "int8")
    small = onnx.load(str(tmp_path / "small.onnx"))
    (kept,) = (
        onnx.numpy_helper.to_array(one)
        for one in small.graph.initializer
        if one.data_type == onnx.TensorProto.INT8 and one.dims == [64, 64]
    )
    assert np.abs(kept.astype(int)).max() == pytest.approx(largest, abs=1)
