"""Attention of a graph: fewer operators, the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import NodeProto, TensorProto, helper, numpy_helper

from ml.encoders import resolve_encoder
from ml.export.attention import join_products, written_out
from ml.export.declare import encoder_artifact
from ml.export.graph import export_graph, feed_of, probe_batch
from ml.models.encoder import load_encoder
from ml.models.sentence_encoder import SentenceEncoder
from tests.ml.training.tiny_encoder import make_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def _answers(model: onnx.ModelProto, feed: dict[str, Any]) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return list(session.run(None, feed))


def test_query_key_and_value_become_one_product_and_vectors_stay(
    encoder: Path, tmp_path: Path
) -> None:
    source = resolve_encoder(str(encoder))
    artifact = encoder_artifact(source)
    network: Any = load_encoder(source)
    for name, weight in network.named_parameters():
        if name.endswith("bias"):  # all zero in one that was not trained: the exporter shares them
            torch.nn.init.normal_(weight)
    batch = probe_batch(artifact, source)
    export_graph(SentenceEncoder(network).eval(), artifact, batch, tmp_path / "plain.onnx")
    plain = onnx.load(str(tmp_path / "plain.onnx"))
    before = _answers(plain, feed_of(batch))
    layers = network.config.num_hidden_layers

    joined = join_products(plain)

    onnx.checker.check_model(joined)
    splits = [node for node in joined.graph.node if node.op_type == "Split"]
    assert len(splits) == layers
    assert all(len(split.output) == 3 for split in splits)
    read = {name for node in joined.graph.node for name in node.input}
    assert {constant.name for constant in joined.graph.initializer} <= read
    (vectors,) = _answers(joined, feed_of(batch))
    np.testing.assert_allclose(vectors, before[0], atol=1e-5)


def test_an_encoder_attends_afterwards_as_before_and_gives_the_same(encoder: Path) -> None:
    network: Any = load_encoder(resolve_encoder(str(encoder)))
    model = SentenceEncoder(network).eval()
    ids, mask = (
        torch.tensor([[2, 5, 6, 3], [2, 7, 3, 0]]),
        torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]),
    )
    with torch.no_grad():
        usual = model(ids, mask)["vector"]
        with written_out(model):
            assert network.config._attn_implementation == "eager"
            plain = model(ids, mask)["vector"]
        assert network.config._attn_implementation == "sdpa"
    torch.testing.assert_close(plain, usual)


@pytest.mark.parametrize("difference", ["shared", "other inputs", "no bias"])
def test_products_that_are_not_alike_are_left(difference: str) -> None:
    generator = np.random.default_rng(3)
    weights = {
        name: generator.normal(size=shape).astype(np.float32)
        for name, shape in {"a": (4, 3), "b": (4, 5), "c": (3,), "d": (5,)}.items()
    }
    second = "y" if difference == "other inputs" else "x"
    nodes: list[NodeProto] = [
        helper.make_node("MatMul", ["x", "a"], ["xa"], name="first"),
        helper.make_node("Add", ["xa", "c"], ["one"], name="first_add"),
        helper.make_node("MatMul", [second, "b"], ["xb"], name="second"),
        helper.make_node("Add", ["xb", "d"], ["two"], name="second_add"),
    ]
    outputs = ["one", "two"]
    if difference == "shared":
        nodes.append(helper.make_node("Neg", ["xb"], ["three"], name="reader"))
        outputs.append("three")
    if difference == "no bias":
        nodes[3] = helper.make_node("Neg", ["xb"], ["two"], name="reader")
    graph = helper.make_graph(
        nodes,
        "products",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 4]) for name in ("x", "y")],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8

    assert [node.name for node in join_products(model).graph.node] == [node.name for node in nodes]
