from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.models import Role, User
from apps.support import services
from apps.support.models import FlowVersion
from tests.support.conftest import user

PIN = """\
flow: new-pin
title: Order a new PIN
start:
  intents: [change_pin]
  offered_on: [cash-fees]
  phrases: ["order ... pin"]
slots:
  card: {kind: card, ask: "Which card is it?"}
  day: {kind: date, ask: "From which day?", when: future}
steps:
  - {id: which, ask: card}
  - {id: when, ask: day}
  - {id: sure, confirm: "A new PIN for {card} from {day}?", yes: finished, no: kept}
  - {id: finished, end: "It comes for {card}."}
  - {id: kept, end: It stays.}
tests:
  - {name: goes well, says: [order a pin, "4242", tomorrow, "yes"], ends: done, contains: "4242"}
"""

Ship = Callable[..., FlowVersion]


@pytest.fixture
def ship() -> Ship:
    """Stores, tests and publishes a flow."""

    def shipped(source: str = PIN) -> FlowVersion:
        return services.flow_ship(source=source, file="test.yaml")

    return shipped


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)
