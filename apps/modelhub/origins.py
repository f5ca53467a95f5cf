"""What an example came from, and who may see that.

An app that shows some of its objects to some people alone registers which key of an example's
``provenance`` names the object and who sees it. The mark of such an object, ``support:<id>``, is
the ``group`` of the rows of data sets that are made of its examples.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

Seen = Callable[[Any, Collection[str]], set[str]]
"""Of the objects with these ids those that a person may see."""


@dataclass(frozen=True, slots=True)
class _Origin:
    key: str
    seen: Seen


_origins: dict[str, _Origin] = {}


def register_origin(app: str, *, key: str, seen: Seen) -> None:
    """Let ``seen`` say whose texts of ``app`` a person may read; call from ``ready()``."""
    _origins[app] = _Origin(key, seen)


def is_registered(app: str) -> bool:
    return app in _origins


def mark_of(app: str, provenance: dict[str, Any]) -> str:
    """The mark of what an example came from, empty where everybody may see it."""
    origin = _origins.get(app)
    found = provenance.get(origin.key) if origin else None
    return f"{app}:{found}" if found else ""


def hidden_marks(person: Any, marks: Iterable[str]) -> set[str]:
    """Those of ``marks`` whose objects the person may not see, or that are gone."""
    by_app: dict[str, set[str]] = {}
    for mark in set(marks):
        app, _, key = mark.partition(":")
        if app in _origins and key:
            by_app.setdefault(app, set()).add(key)
    return {
        f"{app}:{key}"
        for app, keys in by_app.items()
        for key in keys - _origins[app].seen(person, keys)
    }
