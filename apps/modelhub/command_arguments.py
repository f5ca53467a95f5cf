"""Arguments that several commands of the models take, each with one meaning."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.core.management.base import CommandParser

from ml.models.tuning.registry import method_names
from ml.types import KINDS

HELD_OUT_OF_TRAIN = (
    "held-out rows; default: those in --train's folder, else a share of --train, split by text"
)


def add_task(parser: CommandParser) -> None:
    parser.add_argument("--task", required=True, help="whose model, as `models` lists them")


def add_version(
    parser: CommandParser, *, words: str = "default: the active one", required: bool = False
) -> None:
    """``--version`` of a model, as the option ``model_version``."""
    parser.add_argument("--version", dest="model_version", required=required, help=words)


def add_rows(
    parser: CommandParser, *, kinds: Sequence[str] = KINDS, valid: str = HELD_OUT_OF_TRAIN
) -> None:
    """The kind of task and the files of its rows; without ``--valid`` where ``valid`` is empty."""
    parser.add_argument("--kind", choices=kinds, required=True, help="of the task")
    parser.add_argument("--train", type=Path, required=True, help="labelled rows to learn from")
    if valid:
        parser.add_argument("--valid", type=Path, help=valid)


def add_method(parser: CommandParser) -> None:
    parser.add_argument(
        "--method",
        choices=method_names(),
        help="how the encoder is tuned; default: the recipe's, without one lora",
    )


def add_epochs(parser: CommandParser) -> None:
    parser.add_argument(
        "--epochs", type=float, help="passes over the training rows; default: the recipe's"
    )


def add_seed(parser: CommandParser) -> None:
    parser.add_argument(
        "--seed", type=int, help="of all that is drawn by chance; default: the recipe's"
    )
