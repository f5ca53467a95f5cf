"""How long does a reader wait for a page from a million items, and how well are they found?

    python -m bench.large_catalogue [--items 1000000] [--readers 50] [--pages 200]
        [--folder FOLDER] [--json]

In a database of its own it makes items of varied texts, tags and vectors, in as many subjects as
the square root of their number, and readers with 5 to 60 deeds each, a fifth of which refuse an
item of a subject that they like. Told are what it takes to build the graph of nearest items, to
read it, and to read the catalogue; a reader's whole page on the server with the graph and by exact
search; which share of the 50 that are best when every item is scored is among the 50 best with the
graph, also as if nothing had been refused (who refused much of all that they like is shown what is
near to nothing); the same of a free text's vector; and the first page after the title, the text or
the tags of an item was changed, and after one was added. Processor time is given beside the
clock's: the former does not depend on what else the machine does. With ``--folder`` the database
and the graph are kept there, and used again if they are there.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.apart import child_of, own_database, set_up
from bench.measures import percentiles, show
from bench.reader_pages import DIMENSIONS, fill

K = 50
_EXACT_PAGES = 20


def run(
    items: int = 1_000_000, readers: int = 50, pages: int = 200, folder: Path | None = None
) -> dict[str, Any]:
    """Measure in a process of its own; returns seconds, percentiles in milliseconds, recalls."""
    with own_database(folder) as environment:
        told = child_of("bench.large_catalogue", [items, readers, pages], environment)
    return {
        "bench": "large_catalogue",
        "items": items,
        "readers": readers,
        **told,
    }


def _child(items: int, readers: int, pages: int) -> dict[str, Any]:
    set_up()
    from apps.core.jobs import NoProgress
    from apps.recommend import graph, index, page
    from apps.recommend.graph_build import graph_build
    from apps.recommend.models import Item, Reader

    if not Item.objects.exists():
        fill(items, readers, clusters=round(items**0.5))
    found: dict[str, Any] = {}
    found["catalogue"] = _timed(index.snapshot)
    people = list(Reader.objects.order_by("id"))
    page.page_of(people[0])
    found["exact_page"] = _waits(lambda n: page.page_of(people[n % len(people)]), _EXACT_PAGES)
    if items >= graph.FROM:
        if not graph.graph_path(index.snapshot().key).exists():
            found["graph_built"] = _timed(lambda: graph_build(NoProgress()))
        found["graph_read"] = _timed(graph.graph_refresh)
    page.page_of(people[0])
    found["page"] = _waits(lambda n: page.page_of(people[n % len(people)]), pages)
    found |= _recalls(people)
    for name, change in _changes().items():
        change()
        found[f"first_page_after_{name}"] = _timed(lambda: page.page_of(people[1]))
    Item.objects.filter(external_id="added").delete()
    found["most_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def _changes() -> dict[str, Callable[[], Any]]:
    """What is done to an item before the first page after it."""
    from apps.recommend.models import Item, vector_to_bytes
    from apps.recommend.services.catalogue import next_revision

    def changed(number: int, **values: Any) -> Callable[[], Any]:
        items = Item.objects.filter(external_id=f"item-{number}")
        return lambda: items.update(revision=next_revision(), **values)

    def added() -> None:
        item = Item.objects.get(external_id="item-10")
        item.pk, item.external_id, item.revision = None, "added", next_revision()
        item.save(force_insert=True)

    vector = np.random.default_rng(12).normal(size=DIMENSIONS)
    return {
        "title": changed(7, title=f"Changed {time.time()}"),
        "text": changed(8, vector=vector_to_bytes(vector / np.linalg.norm(vector))),
        "tags": changed(9, tags=["tag 3", f"tag {time.time()}"]),
        "new_item": added,
    }


def _recalls(people: list[Any]) -> dict[str, float]:
    """Of the 50 best by every item's score, and of the 50 nearest to a vector, how many are
    found."""
    from apps.recommend import graph, index
    from apps.recommend.page import page_inputs

    catalogue = index.snapshot()
    rng = np.random.default_rng(11)
    ranked_share, willing_share, near_share = [], [], []
    for person in people:
        inputs = page_inputs(person)
        kept = tuple(deed for deed in inputs.taste.deeds if deed.kind != "not_interested")
        ranked_share.append(_page_recall(inputs))
        willing_share.append(_page_recall(replace(inputs, taste=replace(inputs.taste, deeds=kept))))
        own = catalogue.matrix[int(rng.integers(len(catalogue)))]
        query = own + rng.normal(scale=0.5 / len(own) ** 0.5, size=len(own))
        query = (query / np.linalg.norm(query)).astype(np.float32)
        near = graph.nearest(catalogue, query, K, catalogue.shown)[0]
        near_share.append(len(_best(catalogue.matrix @ query) & set(near.tolist())) / K)
    return {
        f"recall@{K}_of_pages": round(float(np.mean(ranked_share)), 4),
        f"recall@{K}_of_pages_without_refusals": round(float(np.mean(willing_share)), 4),
        f"recall@{K}_of_queries": round(float(np.mean(near_share)), 4),
    }


def _page_recall(inputs: Any) -> float:
    from apps.recommend.page import plainly_ranked
    from apps.recommend.scoring import as_history

    ranked = plainly_ranked(inputs)
    every = ranked.ranker.scores(as_history(ranked.history))
    for _, amounts in ranked.stated:
        every = every + amounts
    best, found = (_best(np.where(ranked.eligible, of, -np.inf)) for of in (every, ranked.scores))
    return len(best & found) / K


def _best(scores: Any) -> set[int]:
    return set(np.argpartition(-scores, K)[:K].tolist())


def _timed(do: Callable[[], Any]) -> dict[str, float]:
    clock, processor = time.perf_counter(), time.process_time()
    do()
    return {
        "seconds": round(time.perf_counter() - clock, 2),
        "processor_seconds": round(time.process_time() - processor, 2),
    }


def _waits(do: Callable[[int], Any], number: int) -> dict[str, Any]:
    waits, worked = [], []
    for turn in range(number):
        clock, processor = time.perf_counter(), time.process_time()
        do(turn)
        waits.append(time.perf_counter() - clock)
        worked.append(time.process_time() - processor)
    return {"clock": percentiles(waits), "processor": percentiles(worked)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the database and the graph are kept")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--child", nargs=3, type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(_child(*arguments.child)))
        return
    result = run(arguments.items, arguments.readers, arguments.pages, arguments.folder)
    show(result, as_json=arguments.json)


if __name__ == "__main__":
    main()
