"""What several server processes share: periodic tasks and the lease of the simulation."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.core import scheduler, simulation
from apps.core.models import Schedule, Simulation
from tests.core.test_events import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that were started; ``sweep`` is the only one, once an hour."""
    names: list[str] = []
    monkeypatch.setattr(scheduler, "_periodic", {})
    task: Any = SimpleNamespace(enqueue=lambda: names.append("sweep"))
    scheduler.register_periodic("sweep", task, every=timedelta(hours=1))
    return names


def make_due() -> None:
    Schedule.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_a_task_starts_when_it_is_due_and_not_before(started: list[str]) -> None:
    assert scheduler.start_due() == []
    assert scheduler.start_due() == []
    make_due()
    assert scheduler.start_due() == ["sweep"]
    assert scheduler.start_due() == []
    assert started == ["sweep"]


def test_a_due_task_starts_once_however_many_processes_look(started: list[str]) -> None:
    scheduler.start_due()
    make_due()
    in_threads(4, lambda index: scheduler.start_due() and None)
    assert started == ["sweep"]


def test_one_process_at_a_time_holds_the_simulation() -> None:
    assert simulation._hold_lease("one") is None  # nobody wants it
    simulation.simulation_set(wanted=True, rate=2.0)
    held = simulation._hold_lease("one")
    assert held is not None
    assert held.rate == 2.0
    assert simulation._hold_lease("two") is None
    assert simulation._hold_lease("one") is not None


def test_the_lease_of_a_dead_process_is_taken_over() -> None:
    simulation.simulation_set(wanted=True)
    simulation._hold_lease("one")
    Simulation.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert simulation._hold_lease("two") is not None
    assert simulation._hold_lease("one") is None


def test_an_unwanted_simulation_is_not_held() -> None:
    simulation.simulation_set(wanted=True)
    simulation._hold_lease("one")
    simulation.simulation_set(wanted=False)
    assert simulation._hold_lease("one") is None


def test_the_button_starts_and_stops_the_simulation(client: Client) -> None:
    htmx = {"HTTP_HX_REQUEST": "true"}
    for _ in range(2):  # a second start, from a page that is behind, changes nothing
        answer = client.post("/simulation/toggle/", {"wanted": "1"}, **htmx)
        assert ">simulation<" in answer.content.decode()
        assert simulation.simulation_get().wanted
    answer = client.post("/simulation/toggle/", {"wanted": "0"}, **htmx)
    assert 'name="wanted" value="1"' in answer.content.decode()
    assert not simulation.simulation_get().wanted
    assert client.get("/simulation/toggle/").status_code == 405


def test_the_button_works_without_scripts(client: Client) -> None:
    answer = client.post("/simulation/toggle/", {"wanted": "1"})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_there_is_no_simulation_without_demo_mode(client: Client, settings: Any) -> None:
    settings.DEMO = False
    assert client.post("/simulation/toggle/").status_code == 403
    assert not simulation.simulation_get().wanted
