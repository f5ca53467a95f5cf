"""Turns that writers take where no row is there yet to be locked."""

from __future__ import annotations

from django.db import connection, transaction


def hold(name: str) -> None:
    """Wait until no other transaction holds ``name``, and hold it until this one ends.

    On SQLite every write transaction does so already. Raises ``TransactionManagementError``
    outside a transaction.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("hold() needs a transaction")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
