"""Commands and pages tell that the encoder does not know the words of the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.modelhub.files import run_folder
from apps.modelhub.models import DataSetVersion
from apps.modelhub.services import runs
from ml.training.config import load_config
from ml.training.tracking import RunRecord
from ml.wording import Wording
from tests.conftest import ClientFor
from tests.ml.training.tiny_encoder import make_encoder, texts
from tests.modelhub.commands import run, written
from tests.modelhub.run_process import Followed

pytestmark = pytest.mark.django_db(transaction=True)

COMMANDS = {
    "compare": ("--methods", "head,bitfit", "--epochs", "1"),
    "find_learning_rate": ("--steps", "40"),
    "finetune": ("--name", "mine", "--no-build"),
    "search": ("--trials", "2"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_trains_tells_it_once(command: str, tmp_path: Path, settings: Any) -> None:
    settings.VAR_DIR = tmp_path
    encoder = make_encoder(tmp_path / "encoder")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'encoder = "{encoder}"\nmethod = "head"\nepochs = 1\nmax_length = 32\nfew_shot = "off"\n'
        "[search]\nlearning_rate = [1e-3, 1e-2]\n"
    )
    rows = written(tmp_path / "train.jsonl", *texts(ending="\u9000 \u6b3e"))
    output = () if command == "find_learning_rate" else ("--output", str(tmp_path / "made"))
    common = ("--kind", "classification", "--train", rows, "--config", str(recipe))
    _, err = run(command, *common, *COMMANDS[command], *output)
    assert err.count(f"The encoder {encoder.name} does not know ") == 1


def test_finetune_together_tells_it_of_a_task(tmp_path: Path, models: Path, settings: Any) -> None:
    encoder = make_encoder(tmp_path / "encoder")
    rows = written(tmp_path / "train.jsonl", *texts(ending="\u9000 \u6b3e"))
    known = written(tmp_path / "known.jsonl", *texts())
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        f'name = "both"\nencoder = "{encoder}"\nepochs = 1\nmax_length = 32\nbf16 = false\n'
        f'[tasks.one]\nkind = "classification"\ntrain = "{rows}"\n'
        f'[tasks.two]\nkind = "classification"\ntrain = "{known}"\n'
    )
    _, err = run("finetune_together", "--config", str(recipe))
    assert f"one: The encoder {encoder.name} does not know " in err
    assert err.count("does not know") == 1


def test_the_page_of_a_run_tells_it_in_the_readers_language(
    data: DataSetVersion,
    lead: User,
    client_for: ClientFor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runs, "follow_run", Followed())
    made = runs.run_start(actor=lead, version=data)
    client: Client = client_for(lead)
    page, api = f"/models/runs/{made.pk}/", f"/api/v1/models/runs/{made.pk}/"
    assert client.get(api).json()["warnings"] == []
    record = RunRecord(run_folder(made.pk), made.task, load_config(None), {})
    words = Wording(
        "The encoder %(encoder)s does not know %(share)s of the tokens of the training texts, and "
        "reads all of these alike; choose one for the language of the texts as base (encoder in a "
        "recipe).",
        encoder="mini",
        share="40%",
    )
    record.warned(words)
    assert str(words) in client.get(page).content.decode()
    assert client.get(api).json()["warnings"] == [words]
    chinese = client.get(page, headers={"accept-language": "zh-hans"}).content.decode()
    assert str(words) not in chinese
    assert "\u7f16\u7801\u5668 mini" in chinese
