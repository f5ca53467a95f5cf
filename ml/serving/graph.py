"""A built ONNX graph in ONNX Runtime: encoded texts to its outputs, in steps of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ml.artifacts import MODEL, Artifact, check_size
from ml.data.encoding import EncodedBatch
from ml.errors import ArtifactError
from ml.runtime import RuntimeSettings
from ml.serving.shared import share_memory, shared_tables
from ml.types import FloatArray
from ml.wording import Wording

_MAX_PADDED_TOKENS = 2048  # of one run of the graph: its longest row times its rows
_MAX_ATTENDED = 1 << 18  # pairs of tokens of one run: what attention needs memory for
_LARGE_RUN = 1024  # padded tokens of a run whose memory is given back rather than kept

_INPUTS = ("input_ids", "attention_mask")
OUTPUTS = {
    "classification": ("logits", "pooled"),
    "multi_label": ("logits", "pooled"),
    "ner": ("logits",),
    "embedding": ("vector",),
}
"""What the graph of each kind of model gives."""


class Graph:
    """A built ONNX graph: checked at loading, run in steps of similar length and bounded size."""

    def __init__(
        self,
        folder: Path,
        artifact: Artifact,
        runtime: RuntimeSettings,
        outputs: tuple[str, ...] = (),
    ) -> None:
        """``outputs`` are what is asked of it, if not what its kind of model gives."""
        shaped = artifact.kind in ("ner", "joint")
        self._inputs = (*_INPUTS, "shape_ids") if shaped else _INPUTS
        self._outputs = outputs or OUTPUTS[artifact.kind]
        self._tables = shared_tables(folder, artifact)
        options = _options(runtime)
        for name, table in self._tables.items():
            options.add_initializer(name, table)
        try:
            self._session = onnxruntime.InferenceSession(
                str(folder / MODEL), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime's errors have no common base but this
            raise ArtifactError(
                folder / MODEL, Wording("is no graph that can be run: %(error)s", error=error)
            ) from error
        # One that was built anew since it was declared would be given the tables of the one before,
        # and ONNX Runtime takes them in any type of number.
        check_size(folder / MODEL, artifact.files[MODEL])
        self._check(folder / MODEL)

    def run(self, batch: EncodedBatch) -> Iterator[tuple[NDArray[np.intp], list[FloatArray]]]:
        """Yield the outputs for a few rows at a time, with the indices of those rows.

        Rows go by length, so that little is computed on padding.
        """
        lengths = batch.attention_mask.sum(axis=1)
        order = np.argsort(-lengths, kind="stable")
        start = 0
        while start < len(order):
            width = max(1, int(lengths[order[start]]))
            most = min(_MAX_PADDED_TOKENS // width, _MAX_ATTENDED // width**2)
            rows = order[start : start + max(1, most)]
            feed = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
            if batch.shape_ids is not None:
                feed["shape_ids"] = batch.shape_ids
            cut = {name: np.ascontiguousarray(array[rows, :width]) for name, array in feed.items()}
            large = len(rows) * width > _LARGE_RUN
            yield rows, self._session.run(self._outputs, cut, _shrinking() if large else None)
            start += len(rows)

    def _check(self, path: Path) -> None:
        given = {value.name for value in self._session.get_inputs()}
        if given != set(self._inputs):
            raise ArtifactError(
                path,
                Wording(
                    "has the inputs %(given)s instead of %(inputs)s",
                    given=sorted(given),
                    inputs=sorted(self._inputs),
                ),
            )
        missing = set(self._outputs) - {value.name for value in self._session.get_outputs()}
        if missing:
            raise ArtifactError(
                path, Wording("lacks the output %(missing)s", missing=sorted(missing)[0])
            )


def _options(runtime: RuntimeSettings) -> onnxruntime.SessionOptions:
    share_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = runtime.intra_op_threads
    options.inter_op_num_threads = 1
    options.enable_mem_pattern = False  # a plan kept for each shape, and shapes are without end
    options.log_severity_level = 3  # errors; a quantised graph gives warnings at each load
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.use_env_allocators", "1")
    return options


def _shrinking() -> onnxruntime.RunOptions:
    """Options of a run after which the memory arena goes back to its former size."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
