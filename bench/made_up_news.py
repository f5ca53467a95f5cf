"""Made-up news of the fictional companies of the demo, for benchmarks and tests."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator

from bench.server import ROOT

_REPEATS = 0.1  # of the articles are told a second time, as wires do
_EVENTS = (
    "{c} profit falls {n}% as {thing} costs climb in {place}",
    "{c} raises its forecast after {thing} orders jump {n}% in {place}",
    "{c} sued in {place} over {thing} contract worth ${n} million",
    "{c} to buy {place} maker of {thing} for ${n} million",
    "{c} shares slump {n}% on weak demand for {thing} in {place}",
    "{c} wins ${n} million {thing} deal with {place}",
    "{c} names {person} of {place} to run its {thing} unit with {n} staff",
    "{c} recalls {n},000 units of {thing} sold in {place}",
)
_BODIES = (
    "{person}, who runs the {thing} business, said {place} would decide the year.",
    "Analysts in {place} had expected {n} million; {person} spoke of a lasting change.",
    "The {thing} plant in {place} employs {n} people and was opened by {person}.",
    "Talks with {person} about {thing} went on for {n} days before {place} agreed.",
    "Unions in {place} blame {person} and want {n} jobs in {thing} kept.",
    "A filing shows {n} orders for {thing} from {place}, signed by {person}.",
)
_THINGS = [
    "steel",
    "turbines",
    "coffee",
    "servers",
    "vaccines",
    "tyres",
    "cables",
    "furniture",
    "trucks",
    "paper",
    "glass",
]
_PLACES = [
    "Oslo",
    "Lyon",
    "Osaka",
    "Texas",
    "Kerala",
    "Bremen",
    "Leeds",
    "Ontario",
    "Lima",
    "Perth",
    "Galway",
    "Turin",
]
_FIRST = [
    "Ada",
    "Bela",
    "Carl",
    "Dora",
    "Emil",
    "Fay",
    "Gus",
    "Hana",
    "Ivo",
    "Jun",
    "Kira",
    "Luis",
    "Mona",
    "Nils",
    "Olga",
    "Pia",
]
_LAST = [
    "Abel",
    "Brand",
    "Costa",
    "Dahl",
    "Engel",
    "Frost",
    "Gray",
    "Holm",
    "Ito",
    "Jung",
    "Kerr",
    "Lund",
    "Moss",
    "Novak",
]


def articles(number: int, seed: int = 1) -> Iterator[dict[str, str]]:
    """Made-up news of the fictional companies of the demo, a tenth of it told twice."""
    rng = random.Random(seed)
    with (ROOT / "demo" / "news" / "companies.csv").open(encoding="utf-8") as handle:
        names = [row["name"] for row in csv.DictReader(handle)]
    last: dict[str, str] | None = None
    for index in range(number):
        url = f"https://bench.example/{seed}/{index}"
        if last is not None and rng.random() < _REPEATS:
            yield {**last, "title": f"UPDATE 1-{last['title']}", "url": url, "source": "Echo"}
            continue
        title = _filled(rng, rng.choice(_EVENTS), rng.choice(names))
        body = " ".join(_filled(rng, part, "") for part in rng.sample(_BODIES, 2))
        last = {"title": title, "body": body, "url": url, "source": "Bench Wire"}
        yield last


def _filled(rng: random.Random, pattern: str, company: str) -> str:
    return pattern.format(
        c=company,
        n=rng.randint(2, 999),
        thing=rng.choice(_THINGS),
        place=rng.choice(_PLACES),
        person=f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
    )
