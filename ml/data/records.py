"""A row of a file as it was read: its values by role, and errors that say which column is meant."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.data.columns import Columns
from ml.data.text import label_form
from ml.errors import DataError
from ml.wording import Wording


class Record(dict[str, Any]):
    """The values of a row by role, for what is read of it; of columns without a role by name.

    ``row`` counts from 1. ``columns`` are those that the file calls otherwise than their roles, and
    an error calls them as the file does.
    """

    __slots__ = ("columns", "path", "row")

    def __init__(
        self,
        path: Path,
        row: int,
        values: Mapping[str, Any],
        columns: Columns | None = None,
    ) -> None:
        super().__init__(values)
        self.path, self.row, self.columns = path, row, columns or {}

    def called(self, role: str) -> str:
        """The column that holds the role, in quotes."""
        return repr(self.columns.get(role, role))

    def error(self, problem: str) -> DataError:
        """The error of this row, to be raised."""
        return DataError(self.path, self.row, problem)

    def text(self, role: str, *, may_be_empty: bool = False) -> str:
        """A text; raises :class:`DataError` for what is none, or is empty and may not be."""
        value = self[role]
        if not isinstance(value, str):
            raise self.error(Wording("%(column)s is not a text", column=self.called(role)))
        if not may_be_empty and not value.strip():
            raise self.error(Wording("%(column)s is empty", column=self.called(role)))
        return self.whole(role, value)

    def label(self, role: str) -> str:
        """A label in its :func:`ml.data.text.label_form`; raises :class:`DataError` as for a
        text, also for one of nothing but invisible characters."""
        found = label_form(self.text(role))
        if not found:
            raise self.error(Wording("%(column)s is empty", column=self.called(role)))
        return found

    def texts(self, role: str) -> list[str]:
        """A list of texts; raises :class:`DataError` for anything else."""
        value = self[role]
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.error(Wording("%(column)s is not a list of texts", column=self.called(role)))
        return [self.whole(role, one) for one in value]

    def note(self, role: str) -> str:
        """What a row may lack as a text; what is missing or null is empty. Raises
        :class:`DataError` as :meth:`whole`."""
        value = self.get(role)
        return "" if value is None else self.whole(role, str(value)).strip()

    def whole(self, role: str, text: str) -> str:
        """The text; raises :class:`DataError` for one with a NUL, which no text has and a database
        refuses, or with half a character, as JSON can write it and nothing can read."""
        if "\x00" in text:
            raise self.error(Wording("%(column)s has a NUL character", column=self.called(role)))
        try:
            text.encode()
        except UnicodeEncodeError as error:
            told = Wording(
                "%(column)s has half a character (%(half)s)",
                column=self.called(role),
                half=f"\\u{ord(text[error.start]):04x}",
            )
            raise self.error(told) from error
        return text

    def weight(self) -> float:
        """How many rows this one counts as; 1 where it is missing, null or empty."""
        value = self.get("weight")
        if value is None or value == "":
            return 1.0
        try:
            weight = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            weight = math.nan
        if not 0 <= weight < math.inf:
            raise self.error(
                Wording(
                    "%(column)s is %(value)r, not a number from 0",
                    column=self.called("weight"),
                    value=value,
                )
            )
        return weight
