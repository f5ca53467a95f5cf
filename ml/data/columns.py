"""Which column of a file holds what is read of it, where it is not called so.

What is read of a row has a role: ``text``, ``label`` and so on. The column of that name holds it,
unless columns are named: ``{"text": "sentence", "label": "intent"}``. One that is named is read
even where the file has a column called as the role too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.errors import DataError
from ml.wording import Wording

Columns = Mapping[str, str]
"""The column that holds each role, where it is called otherwise."""

ROLES = (
    *("text", "label", "labels", "tokens", "tags", "spans", "entities"),
    *("positive", "negative", "keep", "source", "group", "weight"),
)
_SHOWN = 20  # columns that an error lists


def checked_columns(columns: Mapping[str, Any], source: str | Path) -> dict[str, str]:
    """The columns that ``source`` names; raises :class:`DataError` for an unknown role, what is no
    name, and a column that is to hold two roles."""
    roles: dict[str, str] = {}
    for role, column in columns.items():
        if role not in ROLES:
            known = ", ".join(ROLES)
            raise DataError(
                source,
                None,
                Wording("%(role)r is no role; there are %(known)s", role=role, known=known),
            )
        if not isinstance(column, str) or not column.strip():
            raise DataError(
                source,
                None,
                Wording("%(role)s = %(column)r names no column", role=role, column=column),
            )
        if (other := roles.setdefault(column, role)) != role:
            raise DataError(source, None, _twice(column, other, role))
    return dict(columns)


def parsed_columns(given: str, source: str) -> dict[str, str]:
    """The columns that ``text=sentence,label=intent`` names.

    A part that has a comma stands in double quotes, as in CSV. Raises :class:`DataError`.
    """
    found: dict[str, str] = {}
    for part in next(csv.reader([given], skipinitialspace=True), []):
        role, sign, column = (piece.strip() for piece in part.partition("="))
        if not sign:
            raise DataError(
                source,
                None,
                Wording("%(part)r is not ROLE=COLUMN, as text=sentence", part=part),
            )
        if role in found:
            raise DataError(source, None, Wording("names two columns for the %(role)s", role=role))
        found[role] = column
    return checked_columns(found, source)


def written_columns(columns: Columns) -> str:
    """The columns as :func:`parsed_columns` reads them."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(f"{r}={column}" for r, column in columns.items())
    return line.getvalue()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of a file's rows: the roles that each ``needs``, and those that it may have.

    ``columns`` is ``None`` where no column can be named.
    """

    needs: tuple[str, ...]
    may: tuple[str, ...] = ()
    columns: Columns | None = None

    @property
    def named(self) -> Columns:
        """The columns that are named, by role."""
        return self.columns or {}

    @property
    def stored(self) -> tuple[str, ...]:
        """The columns that each row needs, as the file calls them."""
        return tuple(self.named.get(role, role) for role in self.needs)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of all that a row needs and may have, as the file calls them."""
        return tuple(self.named.get(role, role) for role in (*self.needs, *self.may))

    @property
    def optional(self) -> tuple[str, ...]:
        """The columns that are named for what a row may lack."""
        return tuple(self.named[role] for role in self.may if role in self.named)

    def check(self, path: Path) -> None:
        """Refuse a role that is not read here, and a needed one whose column holds another."""
        for role, column in self.named.items():
            if role not in (*self.needs, *self.may):
                listed = ", ".join((*self.needs, *self.may))
                raise DataError(
                    path,
                    None,
                    Wording(
                        "is read for %(roles)s; %(role)r, whose column is named, is none",
                        roles=listed,
                        role=role,
                    ),
                )
            if column in self.needs and column not in self.named:
                raise DataError(path, None, _twice(column, column, role))

    def advised(self, lacked: Wording, missing: Iterable[str]) -> Wording:
        """What is ``lacked``, and how the missing columns are named if they can and were not."""
        roles = [] if self.columns is None else [r for r in missing if r not in self.named.values()]
        if not roles:
            return lacked
        how = Wording(
            "say by --columns, or [columns] in a recipe, which column holds the %(roles)s",
            roles=" and the ".join(roles),
        )
        return Wording("%(lacked)s; %(how)s", lacked=lacked, how=how)

    def renamed(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with its named columns called as their roles."""
        if not self.named:
            return record
        apart = {*self.named, *self.named.values()}
        kept = {name: value for name, value in record.items() if name not in apart}
        held = {role: record[name] for role, name in self.named.items() if name in record}
        return kept | held


def listed_columns(names: Iterable[str]) -> str:
    """The first names of columns, for an error."""
    known = list(names)
    listed = ", ".join(known[:_SHOWN])
    if len(known) <= _SHOWN:
        return listed
    return Wording("%(names)s and %(more)s more", names=listed, more=len(known) - _SHOWN)


def _twice(column: str, one: str, other: str) -> Wording:
    return Wording(
        "the column %(column)r cannot hold both the %(one)s and the %(other)s",
        column=column,
        one=one,
        other=other,
    )
