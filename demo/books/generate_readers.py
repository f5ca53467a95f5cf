"""Generate the simulated readers of the demo catalogue: ``interactions.csv`` beside this file.

Each reader likes one to three tags and prefers books that carry them; well-known books are seen
more often by everybody, and some events are noise. The same seed gives the same file.
"""

from __future__ import annotations

import argparse
import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
END = datetime(2026, 1, 30, 18, tzinfo=UTC)
DAYS = 180
READERS = 220
HEADER = ("user_id", "item_id", "kind", "value", "timestamp")
Row = tuple[str, str, str, str, str]


def read_tags(path: Path) -> dict[str, frozenset[str]]:
    """The tags of each item of the catalogue."""
    with path.open(encoding="utf-8", newline="") as handle:
        return {row["item_id"]: frozenset(row["tags"].split("|")) for row in csv.DictReader(handle)}


def popularity(items: list[str], generator: random.Random) -> dict[str, float]:
    """A fame for each item, with a long tail."""
    ranks = list(range(len(items)))
    generator.shuffle(ranks)
    return {item: 1.0 / (8 + rank) ** 0.7 for item, rank in zip(items, ranks, strict=True)}


def events_of(liking: float, generator: random.Random) -> list[tuple[str, str]]:
    """What a reader does with a book that fits the taste to a degree in [0, 1]."""
    events = [("view", "")]
    if generator.random() < 0.35 + 0.5 * liking:
        events.append(("click", ""))
    if liking > 0.4 and generator.random() < 0.35 * liking:
        events.append(("save", ""))
    if generator.random() < 0.25:
        stars = min(5, max(1, round(2.2 + 2.8 * liking + generator.gauss(0, 0.7))))
        events.append(("rating", str(stars)))
    elif liking > 0.4 and generator.random() < 0.3:
        events.append(("like", ""))
    elif liking < 0.2 and generator.random() < 0.15:
        events.append(("not_interested", ""))
    return events


def reader_rows(
    name: str, tags: dict[str, frozenset[str]], fame: dict[str, float], generator: random.Random
) -> Iterator[Row]:
    """All events of one reader, in order of time."""
    known = sorted({tag for found in tags.values() for tag in found})
    taste = set(generator.sample(known, generator.randint(1, 3)))
    items = list(tags)
    fits = {item: len(taste & tags[item]) / len(taste) for item in items}
    weights = [fame[item] * (0.15 + 4.0 * fits[item]) for item in items]
    at = END - timedelta(days=generator.uniform(5, DAYS))
    seen: set[str] = set()
    for _ in range(generator.randint(3, 26)):
        item = generator.choices(items, weights)[0]
        if item in seen:
            continue
        seen.add(item)
        for kind, value in events_of(fits[item], generator):
            at = min(END, at + timedelta(minutes=generator.expovariate(1 / 3)))
            yield name, item, kind, value, at.isoformat(timespec="seconds")
        at = min(END, at + timedelta(hours=generator.expovariate(1 / 60)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--output", type=Path, default=HERE / "interactions.csv")
    options = parser.parse_args()
    generator = random.Random(options.seed)
    tags = read_tags(HERE / "items.csv")
    fame = popularity(sorted(tags), generator)
    with options.output.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(HEADER)
        for number in range(1, READERS + 1):
            writer.writerows(reader_rows(f"sim-{number:04d}", tags, fame, generator))


if __name__ == "__main__":
    main()
