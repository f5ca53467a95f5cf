"""A graph that asks for no shapes: fewer operators, the same answers for batches of any shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from ml.encoders import resolve_encoder
from ml.export.declare import encoder_artifact
from ml.export.graph import export_graph, probe_batch
from ml.export.plain_shapes import fixed_shapes
from ml.models.encoder import load_encoder
from ml.models.sentence_encoder import SentenceEncoder
from tests.ml.training.tiny_encoder import make_encoder

BATCHES = {
    "one text": [[2, 5, 6, 3]],
    "one token": [[2]],
    "texts of several lengths": [[2, 5, 6, 7, 8, 3], [2, 7, 3, 0, 0, 0], [2, 3, 0, 0, 0, 0]],
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[SentenceEncoder, Path]:
    folder = tmp_path_factory.mktemp("graph")
    source = resolve_encoder(str(make_encoder(folder / "encoder")))
    artifact = encoder_artifact(source)
    network: Any = load_encoder(source)
    for name, weight in network.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(weight)
    model = SentenceEncoder(network).eval()
    export_graph(model, artifact, probe_batch(artifact, source), folder / "plain.onnx")
    return model, folder / "plain.onnx"


@pytest.mark.parametrize("name", BATCHES)
def test_batches_of_any_shape_are_read_as_by_the_encoder(
    exported: tuple[SentenceEncoder, Path], name: str
) -> None:
    model, path = exported
    ids = torch.tensor(BATCHES[name])
    mask = (ids > 0).long()
    with torch.no_grad():
        expected = model(ids, mask)["vector"].numpy()
    session = onnxruntime.InferenceSession(str(path))
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    (vectors,) = session.run(None, feed)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_no_layer_asks_for_the_shape_of_what_it_reads(
    exported: tuple[SentenceEncoder, Path],
) -> None:
    graph = onnx.load(str(exported[1])).graph
    layers = exported[0].encoder.config.num_hidden_layers
    reshapes = [node for node in graph.node if node.op_type == "Reshape"]
    constants = {one.name for one in graph.initializer}
    assert sum(node.input[1] in constants for node in reshapes) >= 2 * layers
    asked = [node.name for node in graph.node if node.op_type == "Shape"]
    assert not [name for name in asked if "layer." in name]
    assert "Where" not in {node.op_type for node in graph.node}  # as a mask by pairs is drawn


def test_a_reshape_that_moves_what_is_in_front_is_left() -> None:
    shape = onnx.helper.make_node("Shape", ["x"], ["shape"])
    nodes = [shape]
    for place, name in ((1, "first"), (0, "second")):  # the other way round
        nodes.append(onnx.helper.make_node("Gather", ["shape", f"at{place}"], [f"{name}_number"]))
        nodes.append(onnx.helper.make_node("Unsqueeze", [f"{name}_number", "axis"], [name]))
    nodes.append(onnx.helper.make_node("Concat", ["first", "second", "rest"], ["to"], axis=0))
    nodes.append(onnx.helper.make_node("Reshape", ["x", "to"], ["y"]))
    constants = [
        onnx.numpy_helper.from_array(np.array(value, dtype=np.int64), name)
        for name, value in {"at0": 0, "at1": 1, "axis": [0], "rest": [4]}.items()
    ]
    x, y = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [None, None, 4])
        for name in "xy"
    )
    graph = onnx.helper.make_graph(nodes, "turned", [x], [y], constants)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 9
    session = onnxruntime.InferenceSession(fixed_shapes(model).SerializeToString())
    (turned,) = session.run(None, {"x": np.zeros((2, 3, 4), dtype=np.float32)})
    assert turned.shape == (3, 2, 4)
