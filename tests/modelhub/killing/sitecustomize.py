"""Ends a process as a power cut would, at the point that ``KILL_AT`` names.

Python imports this by itself in every process whose ``PYTHONPATH`` has this folder: in a server, in
its workers and in their children. ``KILL_AT`` is ``before`` or ``after``, then what:

- ``put <pattern>``: a file or a folder is put in its place, by renaming; the pattern is of its path
- ``call <module>:<name>``: a function, or ``Class.method``, is called

``KILLED`` names a file that is written before: whoever finds it there lives on.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import os
import signal
import sys
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from types import ModuleType
from typing import Any


def _kill() -> None:
    try:
        os.close(os.open(os.environ["KILLED"], os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def _deadly(function: Callable[..., Any], moment: str, pattern: str = "*") -> Callable[..., Any]:
    """``function`` that kills, if its second argument is as ``pattern`` says."""

    @functools.wraps(function)
    def call(*args: Any, **more: Any) -> Any:
        meant = pattern == "*" or fnmatch(os.fspath(args[1]), pattern)
        if meant and moment == "before":
            _kill()
        result = function(*args, **more)
        if meant and moment == "after":
            _kill()
        return result

    return call


class _Armed(importlib.abc.MetaPathFinder):
    """Finds one module, and has one of its functions kill once it is loaded."""

    def __init__(self, moment: str, module: str, name: str) -> None:
        self._moment, self._module, self._name = moment, module, name

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_and_arm(module: ModuleType) -> None:
            load(module)
            *owners, name = self._name.split(".")
            owner = functools.reduce(getattr, owners, module)
            setattr(owner, name, _deadly(getattr(owner, name), self._moment))

        spec.loader.exec_module = load_and_arm  # type: ignore[method-assign]
        return spec


def _arm(moment: str, kind: str, what: str) -> None:
    if kind == "put":
        os.replace = _deadly(os.replace, moment, what)
    else:
        sys.meta_path.insert(0, _Armed(moment, *what.split(":")))


if "KILL_AT" in os.environ:
    _arm(*os.environ["KILL_AT"].split(" "))
