"""Rows of the tables that every message writes to, by statements put together once for a table.

The mapper finds out anew at each call how a row of a table is written and read, which takes several
times as long as the database needs, and all writes of a process share one thread. Here that is done
once. Values go through the same fields, so that what is stored is the same. There are no signals
and no parents of tables: a table that needs those is written by the mapper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.models import Field, Model

Row = TypeVar("Row", bound=Model)
_INSERT = "INSERT INTO {table} ({columns}) VALUES ({places}) RETURNING {key}"
_UPDATE = "UPDATE {table} SET {changes} WHERE {key} = %s"

_Converter = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True, slots=True)
class _Table:
    """How rows of a model are written and read: its columns as they are named in a statement, and
    what makes the value of a field of what the database gives, by the column's place."""

    name: str
    fields: tuple[Field[Any, Any], ...]
    columns: tuple[str, ...]
    attributes: tuple[str, ...]
    converters: tuple[tuple[int, Any, list[_Converter]], ...]


def insert(row: Model) -> None:
    """Store a new row and give it the key that the database made; raises ``IntegrityError``."""
    model = type(row)
    own = () if row.pk is not None else (model._meta.pk,)
    table = _table(model)
    fields = tuple(field for field in table.fields if field not in own)
    with connection.cursor() as cursor:
        cursor.execute(_insertion(model, bool(own)), _values(row, fields, add=True))
        if own:
            row.pk = cursor.fetchone()[0]
    row._state.adding, row._state.db = False, connection.alias


def update(row: Model, names: tuple[str, ...] = ()) -> None:
    """Store a row that there is: all of it, or the fields ``names``.

    Raises ``DatabaseError`` when it is there no more.
    """
    model = type(row)
    fields = _fields(model, names)
    key = model._meta.pk.get_db_prep_save(row.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(_change(model, names), [*_values(row, fields, add=False), key])
        if cursor.rowcount != 1:
            raise DatabaseError(f"the row {row.pk} of {_table(model).name} is not there to change")


def fetch(model: type[Row], statement: str, values: Sequence[Any]) -> Row | None:
    """The first row of ``statement``, which selects the :func:`columns` of ``model``."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchone()
    if found is None:
        return None
    table, read = _table(model), list(found)
    for place, expression, converters in table.converters:
        for converter in converters:
            read[place] = converter(read[place], expression, connection)
    return model.from_db(connection.alias, table.attributes, read)


def columns(model: type[Model]) -> str:
    """All columns of ``model``, for a statement that selects them."""
    return ", ".join(_table(model).columns)


def _values(row: Model, fields: Sequence[Field[Any, Any]], *, add: bool) -> list[Any]:
    own = connections[DEFAULT_DB_ALIAS]  # each look through ``connection`` searches for it anew
    return [field.get_db_prep_save(field.pre_save(row, add), own) for field in fields]


@cache
def _table(model: type[Model]) -> _Table:
    fields = tuple(model._meta.concrete_fields)
    quoted = connection.ops.quote_name
    read = [field.get_col(model._meta.db_table) for field in fields]
    made = [
        connection.ops.get_db_converters(column) + column.get_db_converters(connection)
        for column in read
    ]
    return _Table(
        quoted(model._meta.db_table),
        fields,
        tuple(quoted(str(field.column)) for field in fields),
        tuple(field.attname for field in fields),
        tuple(
            (place, read[place], converters) for place, converters in enumerate(made) if converters
        ),
    )


@cache
def _fields(model: type[Model], names: tuple[str, ...]) -> tuple[Field[Any, Any], ...]:
    """The fields ``names``, or all but the key."""
    chosen = _table(model).fields
    return tuple(
        field for field in chosen if (field.name in names if names else field is not model._meta.pk)
    )


@cache
def _insertion(model: type[Model], makes_key: bool) -> str:
    table, key = _table(model), connection.ops.quote_name(str(model._meta.pk.column))
    written = [column for column in table.columns if not (makes_key and column == key)]
    places = ", ".join(["%s"] * len(written))
    return _INSERT.format(table=table.name, columns=", ".join(written), places=places, key=key)


@cache
def _change(model: type[Model], names: tuple[str, ...]) -> str:
    quoted = connection.ops.quote_name
    changes = ", ".join(f"{quoted(str(field.column))} = %s" for field in _fields(model, names))
    key = quoted(str(model._meta.pk.column))
    return _UPDATE.format(table=_table(model).name, changes=changes, key=key)
