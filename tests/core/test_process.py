"""A server process as its interpreter runs it."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

from apps.core.process import settle


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)
    sys.setswitchinterval(interval)


def test_what_is_loaded_is_searched_no_more() -> None:
    loaded = [object()]
    settle()
    assert not any(found is loaded for found in gc.get_objects())
    assert gc.isenabled()


def test_what_comes_later_is_still_collected() -> None:
    settle()
    made: list[object] = []
    made.append(made)
    assert any(found is made for found in gc.get_objects())
    del made
    assert gc.collect() >= 1


def test_a_computing_thread_soon_lets_the_event_loop_run() -> None:
    settle()
    assert sys.getswitchinterval() < 0.002
