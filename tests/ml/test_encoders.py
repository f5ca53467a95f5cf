"""A folder that holds no encoder is named, with what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.encoders import resolve_encoder
from ml.errors import EncoderNotFound
from tests.ml.training.tiny_encoder import make_encoder


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("{", r"config\.json is not JSON"),
        ("[]", r"tells no hidden_size \(model_type None\)"),
        ('{"model_type": "gpt2", "n_embd": 8, "n_layer": 2}', r"hidden_size \(model_type 'gpt2'\)"),
        ('{"model_type": "bert"}', r"tells no hidden_size \(model_type 'bert'\)"),
        ('{"model_type": "bert", "hidden_size": "wide"}', "tells no hidden_size"),
        ('{"model_type": "bert", "hidden_size": 8}', "tells no num_hidden_layers"),
    ],
)
def test_a_config_of_no_encoder_is_named(tmp_path: Path, config: str, problem: str) -> None:
    folder = make_encoder(tmp_path / "encoder")
    (folder / "config.json").write_text(config)
    with pytest.raises(EncoderNotFound, match=f"{folder}: .*{problem}"):
        resolve_encoder(str(folder))
