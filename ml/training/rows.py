"""The rows of a fine-tuning run, checked before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.data.readers import LabelledText, TaggedSentence, read_classification, read_ner
from ml.data.splits import split_by_text, text_key
from ml.data.targeting import TARGETED_TASK, read_marked
from ml.errors import DataError, TrainingError
from ml.training.config import FinetuneConfig
from ml.types import OUT_OF_SCOPE, Kind


@dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What to train on: files, the task's name, and where its artifact goes.

    ``output`` is the artifact's folder; ``run_folder`` keeps checkpoints, so that the same
    request resumes after a kill.
    """

    name: str
    kind: Kind
    train_file: Path
    valid_file: Path | None
    output: Path
    run_folder: Path
    config: FinetuneConfig


def classification_rows(
    request: FinetuneRequest,
) -> tuple[list[LabelledText], list[LabelledText]]:
    """Training and validation texts, no text in both.

    Rows of targeted sentiment are read with their companies, as one marked text for each.
    """
    targeted = request.name == TARGETED_TASK
    read = read_marked if targeted else read_classification
    training = list(read(request.train_file))
    if request.valid_file is not None:
        valid = list(read(request.valid_file))
        seen = {text_key(row.text) for row in valid}
        training = [row for row in training if text_key(row.text) not in seen]
    else:
        training, valid = split_by_text(
            training,
            held_out=request.config.held_out,
            seed=request.config.seed,
            key=lambda row: str(row.row) if targeted else text_key(row.text),
            stratum=lambda row: row.label,
        )
    if training and valid and all(row.label == OUT_OF_SCOPE for row in valid):
        raise DataError(
            request.valid_file or request.train_file, None, "leaves no in-scope validation rows"
        )
    return _both(request, training, valid)


def ner_rows(request: FinetuneRequest) -> tuple[list[TaggedSentence], list[TaggedSentence]]:
    """Training and validation sentences, no sentence in both."""

    def key(row: TaggedSentence) -> str:
        return text_key(" ".join(row.tokens))

    training = list(read_ner(request.train_file))
    if request.valid_file is not None:
        valid = list(read_ner(request.valid_file))
        seen = {key(row) for row in valid}
        training = [row for row in training if key(row) not in seen]
    else:
        training, valid = split_by_text(
            training, held_out=request.config.held_out, seed=request.config.seed, key=key
        )
    return _both(request, training, valid)


def _both(request: FinetuneRequest, training: list[Any], valid: list[Any]) -> tuple[Any, Any]:
    if not training:
        raise DataError(request.train_file, None, "has no rows to train on")
    if not valid:
        raise DataError(request.valid_file or request.train_file, None, "leaves no validation rows")
    return training, valid


def check_labels(request: FinetuneRequest, known: Sequence[str], asked: set[str]) -> None:
    """Refuse too few labels to learn, and validation labels that the training rows lack."""
    if request.kind == "classification" and len(known) < 2:
        raise TrainingError(
            f"{request.train_file} has the one class {known[0]!r}; two are needed"
            if known
            else f"{request.train_file} has no class but {OUT_OF_SCOPE!r}"
        )
    if not known:
        raise TrainingError(f"{request.train_file} has no entities")
    unknown = sorted(asked - set(known))
    if unknown:
        raise DataError(
            request.valid_file or request.train_file,
            None,
            f"has labels that the training rows lack: {', '.join(unknown[:10])}",
        )
