"""Loading a base encoder: what its file may lack, and what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers.utils import logging as transformers_logging

from ml.encoders import resolve_encoder
from ml.errors import ArtifactError
from ml.models.encoder import load_encoder
from tests.ml.training.tiny_encoder import make_encoder


def without(folder: Path, part: str) -> Path:
    """An encoder whose file has no weights with ``part`` in their names."""
    file = make_encoder(folder) / "model.safetensors"
    kept = {name: weights for name, weights in load_file(file).items() if part not in name}
    save_file(kept, file, metadata={"format": "pt"})
    return folder


def test_a_pooling_head_is_not_missed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = resolve_encoder(str(without(tmp_path / "encoder", "pooler.")))
    transformers_logging.enable_propagation()
    try:
        verbosity = transformers_logging.get_verbosity()
        load_encoder(source)
    finally:
        transformers_logging.disable_propagation()
    assert not caplog.records
    assert transformers_logging.get_verbosity() == verbosity


def test_an_encoder_that_lacks_weights_is_refused_and_gets_no_random_ones(tmp_path: Path) -> None:
    source = resolve_encoder(str(without(tmp_path / "encoder", "layer.1.attention")))
    with pytest.raises(ArtifactError, match=r"encoder: does not fit the model: .*layer\.1\.att"):
        load_encoder(source)
