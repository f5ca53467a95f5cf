from __future__ import annotations

import random

from apps.recommend.player import SimulatedReader

CARDS = [
    {"id": "a", "tags": ["sea"]},
    {"id": "b", "tags": ["gothic"]},
    {"id": "c", "tags": ["war"]},
    {"id": "d", "tags": ["love"]},
]


def played(seed: int, times: int) -> list[tuple[str, str]]:
    reader = SimulatedReader("sim-0007", random.Random(seed))
    reader.look([{"items": CARDS}, {"id": "unchanged"}])
    chosen = [reader.choose() for _ in range(times)]
    return [(kind, card["id"]) for kind, card in filter(None, chosen)]


def test_a_simulated_reader_acts_by_a_taste_of_its_own() -> None:
    first = SimulatedReader("sim-0007", random.Random(1))
    second = SimulatedReader("sim-0007", random.Random(2))
    first.look([{"items": CARDS}])
    second.look([{"items": CARDS}])
    assert first.tags == second.tags
    strange = next(card["id"] for card in CARDS if not set(card["tags"]) & first.tags)
    acts = played(3, 300)
    assert sum(item != strange for _, item in acts) > 250
    assert {kind for kind, item in acts if item != strange} == {"click", "save", "like"}


def test_an_empty_page_offers_nothing_to_do() -> None:
    reader = SimulatedReader("sim-0001", random.Random(1))
    reader.look([])
    assert reader.choose() is None
