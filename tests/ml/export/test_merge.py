from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ml.artifacts import DataSource, read_artifact
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, TrainingError
from ml.export.build import restore_model
from ml.export.merge import merge_encoder
from ml.export.shrink import shrink
from ml.models.encoder import load_encoder
from ml.provenance import learned_from, write_provenance
from ml.training.finetune import finetune
from tests.ml.training.tiny_encoder import make_encoder, request, tiny_config


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def tuned(folder: Path, encoder: Path, method: str) -> Path:
    folder.mkdir()
    asked = request(folder, "classification", tiny_config(encoder, method=method, epochs=1.0))
    finetune(asked)
    return asked.output


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_merged_encoder_reads_texts_as_the_tuned_one(
    tmp_path: Path, encoder: Path, method: str
) -> None:
    folder = tuned(tmp_path / "tuned", encoder, method)
    source = merge_encoder(folder, tmp_path / "merged")
    base = resolve_encoder(str(encoder))
    assert source.sha256 != base.sha256
    model = restore_model(read_artifact(folder), base, folder).eval()
    batch = {"input_ids": torch.tensor([[2, 4, 5, 3]]), "attention_mask": torch.ones(1, 4).long()}
    with torch.inference_mode():
        wanted, found, before = (
            one.eval()(**batch).last_hidden_state
            for one in (model.encoder, load_encoder(source), load_encoder(base))
        )
    assert torch.allclose(found, wanted, atol=1e-6)
    assert not torch.allclose(found, before, atol=1e-3)


def test_a_run_begins_where_another_ended(tmp_path: Path, encoder: Path) -> None:
    merge_encoder(tuned(tmp_path / "tuned", encoder, "lora"), tmp_path / "merged")
    config = tiny_config(encoder, method="head")
    asked = request(tmp_path, "classification", replace(config, encoder=str(tmp_path / "merged")))
    artifact = finetune(asked)
    assert artifact.encoder.name == str(tmp_path / "merged")


@pytest.mark.parametrize("by", ["merge", "shrink"])
def test_the_rows_that_the_encoder_learned_from_stay_counted(tmp_path: Path, by: str) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    read = DataSource("texts.txt", "0" * 64, 9, "Texts: MIT")
    write_provenance(encoder, resolve_encoder(str(encoder)), "pretrain mlm", [read])
    folder = tuned(tmp_path / "tuned", encoder, "lora")
    own = [one for one in read_artifact(folder).data if one.rows]
    if by == "merge":
        made = merge_encoder(folder, tmp_path / "made")
    else:
        made = shrink(tmp_path / "made", artifact=folder, layers=[0]).source
    assert learned_from(made) == (*own, read)


def test_what_is_no_part_of_the_encoder_is_refused(tmp_path: Path, encoder: Path) -> None:
    folder = tuned(tmp_path / "tuned", encoder, "adapter")
    with pytest.raises(TrainingError, match="'adapter'"):
        merge_encoder(folder, tmp_path / "merged")
    with pytest.raises(ArtifactError):
        merge_encoder(tmp_path / "none", tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
