"""The rows of a fine-tuning run, checked before anything is trained."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tokenizers import Tokenizer

from ml.data.columns import Columns, written_columns
from ml.data.dataset_folders import training_splits
from ml.data.multi_label import MultiLabelText, label_strata, read_multi_label
from ml.data.readers import LabelledText, TaggedSentence, read_ner
from ml.data.splits import split_by_text, text_key
from ml.data.targeting import TARGETED_TASK, read_labelled
from ml.data.unknown_tokens import unknown_words
from ml.encoders import EncoderSource
from ml.errors import DataError, TrainingError
from ml.training.config import FinetuneConfig
from ml.training.processes import is_main_process
from ml.types import OUT_OF_SCOPE, Kind
from ml.wording import Wording

if TYPE_CHECKING:
    from ml.training.tracking import Phase, RunRecord

Row = TypeVar("Row", LabelledText, MultiLabelText, TaggedSentence)
CONFIG = "config.toml"
"""In a run's folder: its whole recipe."""
Observer = Callable[[str, int, Mapping[str, float]], None]
Warn = Callable[[Wording], None]


@dataclass(frozen=True, slots=True)
class FinetuneRequest:
    """What to train on: files, the task's name, and where its artifact goes.

    ``output`` is the artifact's folder; ``run_folder`` keeps checkpoints, so that the same
    request resumes after a kill. The texts of ``unlabelled_file`` are for classifiers: their
    teachers say what they are, if the recipe has some (:mod:`ml.training.teachers`), or they are
    for self-training (:mod:`ml.training.self_training`). ``record`` is where the run is told; it is
    made when the run begins. ``observer`` is told each reading after it was written, as phase, step
    and numbers; what it raises ends the run. ``warn`` is told what is no failure but should be
    known of rows and recipe, before anything is trained. ``is_part`` says that it is one of several
    tasks that learn together. Where the training file is a folder with splits, they are taken from
    it (:func:`ml.data.dataset_folders.training_splits`).
    """

    name: str
    kind: Kind
    train_file: Path
    valid_file: Path | None
    output: Path
    run_folder: Path
    config: FinetuneConfig
    unlabelled_file: Path | None = None
    record: RunRecord | None = None
    observer: Observer | None = None
    warn: Warn | None = None
    is_part: bool = False

    def __post_init__(self) -> None:
        train, valid = training_splits(self.train_file, self.valid_file)
        object.__setattr__(self, "train_file", train)
        object.__setattr__(self, "valid_file", valid)

    @property
    def files(self) -> dict[str, Path]:
        """The data files by what they are for."""
        given = {
            "train": self.train_file,
            "valid": self.valid_file,
            "unlabelled": self.unlabelled_file,
        }
        return {use: path for use, path in given.items() if path is not None}

    @property
    def columns(self) -> Columns:
        """What the data files call their columns, where otherwise."""
        return self.config.columns

    @property
    def command(self) -> str:
        """What does the same again: the recipe is the one that the run's folder keeps."""
        parts = ["manage.py", "finetune", "--kind", self.kind, "--name", self.name]
        for use, path in self.files.items():
            parts += [f"--{use}", str(path)]
        if self.columns:
            parts += ["--columns", written_columns(self.columns)]
        return shlex.join([*parts, "--config", str(self.run_folder / CONFIG)])

    def warned(self, words: Wording) -> None:
        """Tell the run and who asked for it what is no failure but should be known."""
        if not is_main_process():  # of several, which find the same
            return
        if self.record:
            self.record.warned(words)
        if self.warn:
            self.warn(words)

    def watch(self, run: str) -> Phase | None:
        """Where the training with checkpoints in the folder ``run`` of the run's is told."""
        return self.record.phase(run) if self.record else None


def warn_of_unknown_words(
    request: FinetuneRequest, source: EncoderSource, tokenizer: Tokenizer, texts: Sequence[str]
) -> None:
    """Tell the run and who asked for it where the encoder does not know the words of the texts that
    it will be trained on."""
    if told := unknown_words(texts, tokenizer, source.name):
        request.warned(told)


def classification_rows(
    request: FinetuneRequest,
) -> tuple[list[LabelledText], list[LabelledText]]:
    """Training and validation texts, no text in both and, if rows have groups, no group.

    Rows of weight 0 are in neither. Rows of targeted sentiment are read with their companies, as
    one marked text for each.
    """
    targeted = request.name == TARGETED_TASK

    def read(file: Path) -> list[LabelledText]:
        rows = read_labelled(file, request.name, columns=request.columns)
        return [row for row in rows if row.weight > 0]

    training = read(request.train_file)
    if request.valid_file is not None:
        valid = read(request.valid_file)
        training = _apart(request, training, valid, lambda row: text_key(row.text))
    else:
        training, valid = split_by_text(
            training,
            held_out=request.config.held_out,
            seed=request.config.seed,
            key=lambda row: str(row.row) if targeted else text_key(row.text),
            stratum=lambda row: row.label,
            group=_groups(training),
            labels=lambda row: (row.label,),
        )
    if training and valid and all(row.label == OUT_OF_SCOPE for row in valid):
        raise DataError(
            request.valid_file or request.train_file,
            None,
            Wording("leaves no in-scope validation rows"),
        )
    return _both(request, training, valid)


def multi_label_rows(
    request: FinetuneRequest,
) -> tuple[list[MultiLabelText], list[MultiLabelText]]:
    """As :func:`classification_rows`, of texts that may have several labels."""

    def key(row: MultiLabelText) -> str:
        return text_key(row.text)

    training = list(read_multi_label(request.train_file, columns=request.columns))
    if request.valid_file is not None:
        valid = list(read_multi_label(request.valid_file, columns=request.columns))
        training = _apart(request, training, valid, key)
    else:
        strata = label_strata([row.labels for row in training])
        training, valid = split_by_text(
            training,
            held_out=request.config.held_out,
            seed=request.config.seed,
            key=key,
            stratum=lambda row: strata[row.labels],
            group=_groups(training),
            labels=lambda row: row.labels,
        )
    return _both(request, training, valid)


def ner_rows(request: FinetuneRequest) -> tuple[list[TaggedSentence], list[TaggedSentence]]:
    """Training and validation sentences, no sentence in both and, if rows have groups, no group."""

    def key(row: TaggedSentence) -> str:
        return text_key(" ".join(row.tokens))

    training = list(read_ner(request.train_file, columns=request.columns))
    if request.valid_file is not None:
        valid = list(read_ner(request.valid_file, columns=request.columns))
        training = _apart(request, training, valid, key)
    else:
        strata = label_strata([_types(row) for row in training])
        training, valid = split_by_text(
            training,
            held_out=request.config.held_out,
            seed=request.config.seed,
            key=key,
            stratum=lambda row: strata[_types(row)],
            group=_groups(training),
            labels=_types,
        )
    return _both(request, training, valid)


def _types(row: TaggedSentence) -> tuple[str, ...]:
    return tuple(sorted({tag[2:] for tag in row.tags if tag != "O"}))


def _groups(rows: Sequence[Any]) -> Callable[[Any], str] | None:
    """What a row belongs to, where any row says so; rows of one group are to stay together."""
    return (lambda row: str(row.group)) if any(row.group for row in rows) else None


def _apart(
    request: FinetuneRequest,
    training: Sequence[Row],
    valid: Sequence[Row],
    key: Callable[[Row], str],
) -> list[Row]:
    """The training rows whose text and group the validation rows lack; raises :class:`DataError`
    where that leaves none."""
    seen = {key(row) for row in valid}
    groups = {row.group for row in valid} - {""}
    left = [row for row in training if key(row) not in seen and row.group not in groups]
    if training and not left:
        told = Wording(
            "has no rows to train on: %(valid)s has the text or the group of each",
            valid=request.valid_file,
        )
        raise DataError(request.train_file, None, told)
    return left


def _both(request: FinetuneRequest, training: list[Any], valid: list[Any]) -> tuple[Any, Any]:
    if not training:
        raise DataError(request.train_file, None, Wording("has no rows to train on"))
    if not valid and request.valid_file is None:
        groups = {row.group for row in training}
        raise DataError(
            request.train_file,
            None,
            Wording(
                "has the one group %(group)r, so that none can be held out; give a validation file",
                group=groups.pop(),
            )
            if len(groups) == 1 and "" not in groups
            else Wording(
                "has no two texts of one class, so that none can be held out; give a "
                "validation file"
            ),
        )
    if not valid:
        raise DataError(request.valid_file or "", None, Wording("has no rows to measure by"))
    return training, valid


def check_labels(
    request: FinetuneRequest, known: Sequence[str], asked: Iterable[tuple[str, int]]
) -> None:
    """Refuse too few labels to learn, and validation labels that the training rows lack: ``asked``
    are those of the validation rows, each with its row."""
    if request.kind == "classification" and len(known) < 2:
        raise TrainingError(
            Wording(
                "%(file)s has the one class %(label)r; two are needed",
                file=request.train_file,
                label=known[0],
            )
            if known
            else Wording(
                "%(file)s has no class but %(label)r", file=request.train_file, label=OUT_OF_SCOPE
            )
        )
    if not known:
        raise TrainingError(
            Wording("%(file)s has no labels", file=request.train_file)
            if request.kind == "multi_label"
            else Wording("%(file)s has no entities", file=request.train_file)
        )
    unknown: dict[str, int] = {}
    for label, row in asked:
        if label not in known:
            unknown.setdefault(label, row)
    if unknown:
        first, row = next(iter(unknown.items()))
        more = sorted(unknown.keys() - {first})
        told = Wording(
            "has the label %(label)r, which no training row has; nor have any %(more)s"
            if more
            else "has the label %(label)r, which no training row has",
            label=first,
            more=", ".join(more[:10]),
        )
        if request.valid_file is None:
            raise DataError(request.train_file, row, told)
        told = Wording(
            "%(told)s (those with a text or a group of this file are not trained on)", told=told
        )
        raise DataError(request.valid_file, row, told)
