"""The argument of commands that says which column of a file holds what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandParser

from ml.data.columns import ROLES, parsed_columns

_NAME = "--columns"


def add_columns(parser: CommandParser, *, recipe: bool = False) -> None:
    """Let a command take ``--columns``; with ``recipe`` in the place of what its recipe says."""
    instead = "; in the place of the recipe's [columns]" if recipe else ""
    parser.add_argument(
        _NAME,
        metavar="ROLE=COLUMN,...",
        help=f"columns of the files that are called otherwise, as text=sentence,label=intent"
        f"{instead}; roles: {', '.join(ROLES)}",
    )


def columns_given(options: Mapping[str, Any]) -> dict[str, str] | None:
    """The columns that were named, ``None`` without the argument; raises ``DataError``."""
    given = options["columns"]
    return None if given is None else parsed_columns(given, _NAME)
