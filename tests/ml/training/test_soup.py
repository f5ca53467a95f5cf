"""The mean of the weights of two classifiers, exact, measured and declared."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from ml.artifacts import HEAD, MODEL_CARD, read_artifact, write_artifact
from ml.encoders import resolve_encoder
from ml.errors import ArtifactError, DataError, MLError, TrainingError
from ml.export.build import restore_model
from ml.training.finetune import finetune
from ml.training.soup import SoupRequest, make_soup
from tests.ml.training.tiny_encoder import make_encoder, request, texts, tiny_config, write_rows


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Artifacts by name; ``one`` and ``two`` go together."""
    folder = tmp_path_factory.mktemp("runs")
    encoder = make_encoder(folder / "encoder")
    settings: dict[str, dict[str, Any]] = {
        "one": {"rank": 3, "alpha": 8},
        "two": {"rank": 2, "alpha": 16, "seed": 5},
        "full": {"method": "full", "learning_rate": 1e-3},
        "short": {"max_length": 12},
    }
    found = {}
    for name, changes in settings.items():
        asked = request(
            folder / name, "classification", tiny_config(encoder, **({"epochs": 3.0} | changes))
        )
        finetune(asked)
        found[name] = asked.output
    shutil.copytree(found["one"], folder / "refitted")
    one = read_artifact(found["one"])
    recipe = one.settings["recipe"] | {"refit": True}
    refitted = replace(one, settings=one.settings | {"recipe": recipe})
    write_artifact(folder / "refitted", refitted, overwrite=True)
    found["refitted"] = folder / "refitted"
    found["valid"] = write_rows(folder / "valid.jsonl", texts(ending="in"))
    return found


def soup_of(runs: dict[str, Path], output: Path, *names: str, **changes: Any) -> SoupRequest:
    asked = SoupRequest(
        artifacts=tuple(runs[name] for name in names),
        shares=(1.0,) * len(names),
        valid_files=(runs["valid"],),
        output=output,
        config=tiny_config(runs["one"]),
    )
    return replace(asked, **changes)


def test_the_mean_is_that_of_the_merged_weights(runs: dict[str, Path], tmp_path: Path) -> None:
    output = tmp_path / "soup"
    artifact = make_soup(soup_of(runs, output, "one", "two", shares=(1.0, 3.0)))
    assert read_artifact(output) == artifact
    plain = {}
    for name, folder in {"one": runs["one"], "two": runs["two"], "soup": output}.items():
        declared = read_artifact(folder)
        source = resolve_encoder(declared.encoder.name)
        plain[name] = restore_model(declared, source, folder).encoder.state_dict()  # type: ignore[union-attr]
    moved = 0.0
    for name, mean in plain["soup"].items():
        wanted = 0.25 * plain["one"][name] + 0.75 * plain["two"][name]
        torch.testing.assert_close(mean, wanted, atol=1e-5, rtol=1e-4)
        moved = max(moved, float((mean - plain["one"][name]).abs().max()))
    assert moved > 1e-3
    heads = [load_file(folder / HEAD)["head.1.weight"] for folder in (runs["one"], runs["two"])]
    torch.testing.assert_close(
        load_file(output / HEAD)["head.1.weight"], 0.25 * heads[0] + 0.75 * heads[1]
    )


def test_it_tells_what_it_is_made_of(runs: dict[str, Path], tmp_path: Path) -> None:
    artifact = make_soup(soup_of(runs, tmp_path / "soup", "one", "two"))
    parts = [read_artifact(runs[name]) for name in ("one", "two")]
    assert artifact.settings["soup"] == [{"version": one.version, "share": 0.5} for one in parts]
    assert artifact.settings["recipe"] == parts[0].settings["recipe"]
    assert artifact.method["rank"] == 5
    assert artifact.data == parts[0].data  # both learned from rows that are the same
    assert artifact.metrics["n"] == len(texts())
    assert artifact.metrics["accuracy"] > 0.8
    assert "accept" in artifact.thresholds
    card = (tmp_path / "soup" / MODEL_CARD).read_text()
    assert f"The mean of the weights of 2 runs (0.5 of {parts[0].version}" in card
    assert "`manage.py average_models " in card
    assert ", 3 epochs, " in card  # of the runs; the recipe that was given has others
    assert "never trained on" in card


@pytest.mark.parametrize(
    ("names", "changes", "error", "problem"),
    [
        (("one",), {}, TrainingError, "needs two artifacts"),
        (("one", "two"), {"shares": (1.0,)}, TrainingError, "a share for each"),
        (("one", "two"), {"shares": (1.0, -1.0)}, TrainingError, "share = -1 is not .* above 0"),
        (("one", "two"), {"shares": (math.nan, 1.0)}, TrainingError, "share = nan .* a finite"),
        (("one", "two"), {"shares": (math.inf, 1.0)}, TrainingError, "share = inf .* a finite"),
        (("one", "two"), {"shares": (1e308, 1e308)}, TrainingError, "sum of the shares = inf"),
        (("one", "full"), {}, ArtifactError, "was tuned by full"),
        (("one", "short"), {}, ArtifactError, "has another max_length"),
        (("one", "refitted"), {}, ArtifactError, "learned from its held-out rows too"),
    ],
)
def test_what_does_not_go_together_is_named(
    runs: dict[str, Path],
    tmp_path: Path,
    names: tuple[str, ...],
    changes: dict[str, Any],
    error: type[MLError],
    problem: str,
) -> None:
    with pytest.raises(error, match=problem):
        make_soup(soup_of(runs, tmp_path / "soup", *names, **changes))
    assert not (tmp_path / "soup").exists()


def test_a_label_that_is_not_known_is_named(runs: dict[str, Path], tmp_path: Path) -> None:
    rows = [*texts(ending="in"), {"text": "card", "label": "ghost"}]
    valid = write_rows(tmp_path / "valid.jsonl", rows)
    asked = soup_of(runs, tmp_path / "soup", "one", "two", valid_files=(valid,))
    with pytest.raises(DataError, match=rf"row {len(rows)}: has the label 'ghost'"):
        make_soup(asked)
