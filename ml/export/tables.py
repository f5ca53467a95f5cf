"""Large tables of a graph in a file beside it.

Ids look up a few rows of a word table at a time, and a model that was tuned with small deltas has
its encoder's table: apart, it can be held once for all the models of a process
(:func:`ml.serving.shared.shared_tables`).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper
from safetensors.numpy import save

from ml.artifacts import MODEL, TABLES

LARGE = 1_000_000
"""Elements; smaller tables are not worth a file of their own."""


def store_graph(source: Path, folder: Path) -> None:
    """Write the graph ``source`` to ``folder``, its large tables to a safetensors file there.

    The graph names the file and the place of each table in it (ONNX's external data, which has
    offsets; so the file may be one whose format is checked before it is used). A graph without a
    large table is written as it is.
    """
    model = onnx.load(str(source))
    looked_up = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    tables = {
        weight.name: weight
        for weight in model.graph.initializer
        if weight.name in looked_up and np.prod(weight.dims) >= LARGE
    }
    if tables:
        path = folder / TABLES
        path.write_bytes(save({n: numpy_helper.to_array(table) for n, table in tables.items()}))
        for name, (start, end) in _places(path).items():
            _refer(tables[name], start, end - start)
    onnx.save(model, str(folder / MODEL))


def _places(path: Path) -> dict[str, tuple[int, int]]:
    """For each tensor of a safetensors file its first byte and the one behind its last."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    begin = 8 + size
    return {
        name: (begin + entry["data_offsets"][0], begin + entry["data_offsets"][1])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def _refer(table: TensorProto, offset: int, length: int) -> None:
    table.ClearField("raw_data")
    table.data_location = TensorProto.EXTERNAL
    del table.external_data[:]
    for key, value in (("location", TABLES), ("offset", offset), ("length", length)):
        table.external_data.add(key=key, value=str(value))
