"""How far apps are with vectors of an encoder that has been promoted or taken back.

Vectors of two versions cannot be compared, so an app that keeps vectors makes all of them anew
while those of the version before answer (``docs/adr/0024``). It registers who tells how far it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Changeover:
    """An app on its way from the vectors of ``answering`` to those of the version that is live.

    ``done`` of ``total`` texts have been read; 0 of 0 before it has begun to count. ``what`` names
    the texts on pages, ``process`` says that each server process does this by itself, so that the
    numbers are those of the one that was asked.
    """

    app: str
    task: str
    answering: str
    coming: str
    done: int
    total: int
    what: str | Promise
    process: bool = False


Look = Callable[[], Changeover | None]
"""``None`` while the vectors that answer are those of the live version."""

_looks: dict[str, list[Look]] = {}


def register_changeover(task: str, look: Look) -> None:
    """Let ``look`` tell how far an app is with the vectors of ``task``; call from ``ready()``."""
    _looks.setdefault(task, []).append(look)


def changeovers(task: str = "") -> list[Changeover]:
    """Those under way, of one encoder or of all."""
    asked = _looks.get(task, []) if task else [look for found in _looks.values() for look in found]
    return [found for look in asked if (found := look()) is not None]
