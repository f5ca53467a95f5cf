"""Demo mode: each app registers how its demo content is loaded and how its people are played."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from apps.core.jobs import ProgressReporter

DemoLoader = Callable[[ProgressReporter], str]


@dataclass(frozen=True, slots=True)
class SimulationTarget:
    """The server that a simulation talks to, over its real sockets and endpoints.

    ``rate`` is the number of actions (messages, articles, clicks) a second of each player.
    """

    base_url: str
    rate: float

    @property
    def socket_url(self) -> str:
        return self.base_url.replace("http", "ws", 1)


Player = Callable[[SimulationTarget], Coroutine[Any, Any, None]]

_loaders: dict[str, DemoLoader] = {}
_players: dict[str, Player] = {}


def register_loader(name: str, loader: DemoLoader) -> None:
    """``loader(progress)`` loads an app's demo content once (again: no change) and says what."""
    _loaders[name] = loader


def register_player(name: str, player: Player) -> None:
    """``player(target)`` plays an app's people until it is cancelled."""
    _players[name] = player


def loaders() -> dict[str, DemoLoader]:
    return dict(_loaders)


def players() -> dict[str, Player]:
    return dict(_players)
