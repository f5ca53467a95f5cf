"""Built models small enough to make in a test: real graphs, tokenizers and declarations.

The tokenizer knows the words of ``WORDS``; each word has a vector that its label decides, and the
word ``poison`` has none: its id is beyond the table, so that the graph fails at run time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from ml.artifacts import (
    MODEL,
    TOKENIZER,
    Artifact,
    Build,
    EncoderRef,
    write_artifact,
)
from ml.data.text import SHAPES
from ml.outputs import staged_folder
from ml.types import Kind

WORDS = ("card", "lost", "rate", "euro", "acme", "rome", "ann", "in", "the", "bank", "of", "and")
LABELS = {"card": 0, "lost": 0, "rate": 1, "euro": 1}
TAGS = ("O", "B-ORG", "I-ORG", "B-LOC", "I-LOC")
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_OPSET = 17


def build_model(root: Path, task: str, kind: Kind, **changes: Any) -> str:
    """Build a tiny model of ``kind`` under ``root``, activate it and return its version.

    ``changes`` replace fields of the artifact; another ``created_at`` gives another version.
    """
    classes = ("card", "rate", "other")
    kinds = {"classification": classes, "multi_label": classes, "ner": TAGS, "embedding": ()}
    fields: dict[str, Any] = {
        "task": task,
        "kind": kind,
        "version": "",
        "created_at": "2026-01-02T03:04:05+00:00",
        "encoder": EncoderRef("tiny", "0" * 64, 8),
        "method": {"name": "full"},
        "labels": kinds[kind],
        "max_length": 16,
        "pooling": "mean",
        "temperature": 1.0,
        "thresholds": {"accept": 0.5} if kind == "classification" else {},
        "data": (),
        "metrics": {"accuracy": 1.0},
    } | changes
    trained = root.parent / f"trained-{task}-{fields['created_at'][:10]}"
    trained.mkdir(parents=True, exist_ok=True)
    (trained / "head.safetensors").write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    artifact = write_artifact(trained, Artifact(**fields), overwrite=True)
    with staged_folder(root / task / artifact.version) as folder:
        onnx.save(_graph(kind, len(artifact.labels)), folder / MODEL)
        tokenizer().save(str(folder / TOKENIZER))
        built = Artifact(
            **{name: getattr(artifact, name) for name in Artifact.__dataclass_fields__}
            | {"build": Build("fp32", 0, 1.0, 0.0, "onnx")}
        )
        write_artifact(folder, built)
    activate(root, task, artifact.version)
    return artifact.version


def activate(root: Path, task: str, version: str) -> None:
    """Name the active version as another process would: by replacing the file."""
    staged = root / task / ".staged"
    staged.write_text(json.dumps({"version": version}), encoding="utf-8")
    staged.replace(root / task / "active.json")


def tokenizer() -> Tokenizer:
    """Lower-cased words; ``poison`` has an id that the graphs do not know."""
    names = [*_SPECIAL, *WORDS, *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz")]
    names += [*"abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {name: index for index, name in enumerate(names)} | {"poison": 5000}
    tiny = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tiny.normalizer = normalizers.BertNormalizer()
    tiny.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tiny.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    return tiny


def _graph(kind: Kind, outputs: int) -> onnx.ModelProto:
    nodes, weights = {
        "classification": _classification,
        "multi_label": _classification,
        "ner": _ner,
        "embedding": _embedding,
    }[kind](outputs)
    names = ["input_ids", "attention_mask", *(["shape_ids"] if kind == "ner" else [])]
    results = {
        "classification": ["logits", "pooled"],
        "multi_label": ["logits", "pooled"],
        "ner": ["logits"],
        "embedding": ["vector"],
    }[kind]
    graph = helper.make_graph(
        nodes,
        kind,
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in names],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in results],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    model.ir_version = 8
    return model


def _table(width: int) -> np.ndarray:
    """A vector a token: random, the same in every run."""
    rows = len(_SPECIAL) + len(WORDS) + 52
    return np.random.default_rng(3).normal(size=(rows, width)).astype(np.float32)


def _mean_pooling() -> list[onnx.NodeProto]:
    return [
        helper.make_node("Gather", ["table", "input_ids"], ["tokens"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
        helper.make_node("Mul", ["tokens", "mask3"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "middle"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "middle"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["pooled"]),
    ]


_AXES = {"last": np.array([-1]), "middle": np.array([1])}


def _classification(outputs: int) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    table = np.zeros((len(_table(1)), 8), dtype=np.float32)
    for word, label in LABELS.items():
        table[len(_SPECIAL) + WORDS.index(word), label] = 12.0
    head = np.eye(8, outputs, dtype=np.float32)
    nodes = [*_mean_pooling(), helper.make_node("MatMul", ["pooled", "head"], ["logits"])]
    return nodes, {"table": table, "head": head, **_AXES}


def _embedding(outputs: int) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    nodes = [
        *_mean_pooling(),
        helper.make_node("LpNormalization", ["pooled"], ["vector"], axis=1, p=2),
    ]
    return nodes, {"table": _table(8), **_AXES}


def _ner(outputs: int) -> tuple[list[onnx.NodeProto], dict[str, np.ndarray]]:
    """``acme`` begins a company and ``rome`` a place, if title-cased; ``bank`` goes on with one."""
    table = np.zeros((len(_table(1)), outputs), dtype=np.float32)
    table[:, 0] = 2.0
    for word, tag in {"acme": 1, "bank": 2, "rome": 3}.items():
        table[len(_SPECIAL) + WORDS.index(word), tag] = 6.0
    shapes = np.zeros((len(SHAPES), outputs), dtype=np.float32)
    shapes[SHAPES.index("lower"), 0] = 9.0
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("Gather", ["shapes", "shape_ids"], ["cases"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["mask3"]),
        helper.make_node("Add", ["words", "cases"], ["sums"]),
        helper.make_node("Mul", ["sums", "mask3"], ["logits"]),
    ]
    return nodes, {"table": table, "shapes": shapes, "last": _AXES["last"]}
