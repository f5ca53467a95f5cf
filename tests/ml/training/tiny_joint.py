"""A joint run on the tiny rows: a classifier, a tagger and a sentence vector on one trunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ml.training.joint_recipe import JointRecipe, JointTask
from ml.training.multi_task import JointRequest
from tests.ml.training.tiny_encoder import sentences, texts, tiny_config, write_rows


def joint_request(
    folder: Path, encoder: Path, *, shapes: str = "input", outside: bool = False, **changes: Any
) -> JointRequest:
    """A run whose files and results are in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {
        "matter": (texts(outside=outside), texts(outside=outside, ending="in")),
        "names": (sentences(), sentences(("of", "euro"))),
        "meaning": (texts(), texts(ending="of")),
    }
    files = {
        task: [
            write_rows(folder / f"{task}_{use}.jsonl", part)
            for use, part in zip(("train", "valid"), parts, strict=True)
        ]
        for task, parts in rows.items()
    }
    licences = {"Tiny rows": "CC0-1.0"}
    recipe = JointRecipe(
        name="all",
        tasks=(
            JointTask("matter", "classification", *files["matter"], licences=licences),
            JointTask("names", "ner", *files["names"], licences=licences),
            JointTask("meaning", "embedding", *files["meaning"], weight=2.0, licences=licences),
        ),
        config=tiny_config(encoder, **changes),
        shapes=shapes,
    )
    return JointRequest(recipe=recipe, output=folder / "artifact", run_folder=folder / "run")
