"""What the models of one process have in common, held once: word tables, tokenizer, memory.

Models that were tuned from one encoder with small deltas look words up in the same table and cut
texts by the same tokenizer. What is the same is found by its content.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from weakref import WeakValueDictionary

import onnxruntime
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from ml.artifacts import TABLES, TOKENIZER, Artifact
from ml.data.encoding import load_tokenizer

_tokenizers: dict[str, Tokenizer] = {}
_keys: dict[str, dict[str, str]] = {}  # of a file, by its hash: the keys of its tables by name
_tables: WeakValueDictionary[str, onnxruntime.OrtValue] = WeakValueDictionary()


def shared_tokenizer(folder: Path, artifact: Artifact) -> Tokenizer:
    """The tokenizer of a built model: one object for all models whose file is the same.

    Encoding changes nothing in it, so several threads may use it at once.
    """
    sha256 = artifact.files[TOKENIZER].sha256
    if sha256 not in _tokenizers:
        _tokenizers[sha256] = load_tokenizer(folder / TOKENIZER)
    return _tokenizers[sha256]


def shared_tables(folder: Path, artifact: Artifact) -> dict[str, onnxruntime.OrtValue]:
    """The large tables of a built model by their names in its graph.

    Keep them for as long as a session uses them; a table that no model keeps is released.
    """
    if TABLES not in artifact.files:
        return {}
    sha256 = artifact.files[TABLES].sha256
    known = {name: _tables.get(key) for name, key in _keys.get(sha256, {}).items()}
    found = {name: value for name, value in known.items() if value is not None}
    if known and len(found) == len(known):
        return found  # reading the file would hold up every other thread
    keys = _keys[sha256] = {}
    for name, table in load_file(folder / TABLES).items():
        key = f"{table.dtype} {table.shape} {hashlib.sha256(table.tobytes()).hexdigest()}"
        value = _tables.get(key)
        if value is None:
            value = _tables[key] = onnxruntime.OrtValue.ortvalue_from_numpy(table)
        found[name], keys[name] = value, key
    return found


@cache
def share_memory() -> None:
    """Let all graphs of the process that ask for it compute in one memory arena.

    An arena keeps what its largest run needed; one for all needs a fifth of one for each.
    """
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    onnxruntime.create_and_register_allocator(memory, None)
