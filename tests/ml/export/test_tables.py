"""Large tables beside the graph: same answers, declared, missed and checked like other files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from ml.artifacts import MODEL, TABLES
from ml.export import tables
from ml.export.tables import store_graph

ROWS, WIDTH = 50, 8


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """A graph that looks rows up in a table and multiplies them with a weight of the same size."""
    rng = np.random.default_rng(0)
    values = {
        "table": rng.normal(size=(ROWS, WIDTH)).astype(np.float16),
        "weight": rng.normal(size=(WIDTH, ROWS)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["half"]),
        helper.make_node("Cast", ["half"], ["rows"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["rows", "weight"], ["out"]),
    ]
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "lookup",
            [helper.make_tensor_value_info("ids", TensorProto.INT64, ["n"])],
            [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", ROWS])],
            [numpy_helper.from_array(array, name) for name, array in values.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    path = tmp_path / "plain.onnx"
    onnx.save(model, str(path))
    return path


def answer(path: Path) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["out"], {"ids": np.array([3, 0, ROWS - 1])})[0]


def test_a_large_table_leaves_the_graph_which_answers_as_before(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "LARGE", ROWS * WIDTH)
    folder = tmp_path / "built"
    folder.mkdir()
    store_graph(graph, folder)

    assert list(load_file(folder / TABLES)) == ["table"]  # what is only multiplied stays inside
    np.testing.assert_array_equal(answer(folder / MODEL), answer(graph))
    assert (folder / MODEL).stat().st_size < graph.stat().st_size


def test_a_small_table_stays(graph: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    folder.mkdir()
    store_graph(graph, folder)
    assert [path.name for path in folder.iterdir()] == [MODEL]
    np.testing.assert_array_equal(answer(folder / MODEL), answer(graph))
