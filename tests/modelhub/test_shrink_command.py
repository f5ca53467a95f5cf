"""``shrink`` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management.base import CommandError

from ml.encoders import resolve_encoder
from tests.ml.training.tiny_encoder import make_encoder
from tests.modelhub.commands import result, run


def test_a_smaller_encoder_is_written(tmp_path: Path) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    arguments = ("shrink", "--encoder", str(encoder), "--output", str(tmp_path / "small"))
    told = result(*arguments, "--layers", "1", "--heads", "0.25")
    assert told["layers"] == [1]
    assert told["parameters"] < told["parameters_before"]
    assert resolve_encoder(told["encoder"]).sha256 == told["sha256"]
    with pytest.raises(CommandError, match="is not empty"):
        run(*arguments, "--layers", "1")
    other = (*arguments[:3], "--output", str(tmp_path / "other"))
    with pytest.raises(CommandError, match="are no numbers split by commas"):
        run(*other, "--layers", "first")
    with pytest.raises(CommandError, match="cannot be kept; the encoder has 0 to 1"):
        run(*other, "--layers", "0,7")
