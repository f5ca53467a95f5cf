"""Finds the tuning methods; free of torch until one is asked for."""

from __future__ import annotations

import pkgutil
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ml.models.tuning import methods

if TYPE_CHECKING:
    from ml.models.tuning.method import Method


def method_names() -> tuple[str, ...]:
    """The names of all methods, in alphabetical order."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(methods.__path__)))


def method_class(name: str) -> type[Method]:
    """The class of the method ``name``; raises ``ValueError`` naming those that exist."""
    if name not in method_names():
        raise ValueError(f"unknown method {name!r}; use one of {', '.join(method_names())}")
    found: type[Method] = import_module(f"{methods.__name__}.{name}").METHOD
    return found


def make_method(settings: dict[str, Any]) -> Method:
    """The method that an artifact declares as ``{"name": ..., <setting>: <value>, ...}``.

    Raises ``ValueError`` naming an unknown method, an unknown setting, or a value that is of the
    wrong type or out of its range.
    """
    values = dict(settings)
    name = str(values.pop("name", ""))
    found = method_class(name)
    defaults = {item.name: item.default for item in fields(found)}
    for key, value in values.items():
        if key not in defaults:
            known = ", ".join(defaults) or "none"
            raise ValueError(f"{name} has no setting {key!r}; it has {known}")
        kind = type(defaults[key])
        if kind is float and type(value) is int:
            values[key] = float(value)
        elif type(value) is not kind:
            raise ValueError(f"{name}: {key} must be a {kind.__name__}")
    return found(**values)
