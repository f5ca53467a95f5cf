"""How long does a customer wait? Message to bot answer over a real socket of a running server.

Measures 1, 10 and 100 customers who each write, wait for the answer and write again; 20 messages
a second that come at random, alone and while 1,000 more sockets are open; what one answer costs
the server's processor, and an open socket its memory; the models alone; further the time from
starting the server to the first answer. No text is written twice.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Any

from bench.customers import Crowd, closed_loop, gathered, open_loop, texts, tokens
from bench.measures import percentiles
from bench.server import ROOT, RunningServer
from ml.runtime import default_settings
from ml.serving.engine import LocalEngine

LOADS = (1, 10, 100)
RATE = 20  # messages a second
CUSTOMERS = 100  # who send them
IDLE = 1000  # sockets
_SETTLE = 2.0  # seconds after which what opening the sockets needed is done
_WARM = 20  # messages


def run(messages: int = 200, steady: int = 600, idle: int = IDLE) -> dict[str, Any]:
    """``messages`` are sent at each closed load, ``steady`` at each open one."""
    with (
        tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder,
        RunningServer(Path(folder), worker=True) as server,
    ):
        server.prepare("import_articles demo/knowledge")
        each = {customers: max(2, messages // customers) for customers in LOADS}
        wanted = 3 * sum(customers * number for customers, number in each.items())
        crowd = Crowd(server, iter(tokens(server, wanted + 2 * steady + 4 * CUSTOMERS)))
        start, first, ready = _start(server, crowd)
        server.stop()
        _, _, again = _start(server, crowd)
        asyncio.run(closed_loop(crowd, 1, _WARM))
        loads = {
            str(customers): asyncio.run(_measured(server, closed_loop(crowd, customers, number)))
            for customers, number in each.items()
        }
        flow = asyncio.run(_measured(server, open_loop(crowd, CUSTOMERS, RATE, steady)))
        held = asyncio.run(_while_idle(server, crowd, idle, steady))
        memory = server.memory() / 1e6
    return {
        "start_seconds": round(start, 2),
        "start_to_first_answer_seconds": round(ready, 2),
        "later_start_to_first_answer_seconds": round(again, 2),
        "first_answer_ms": round(1000 * first, 1),
        "memory_mb": round(memory),
        "customers": loads,
        f"messages_a_second_{RATE}": flow,
        f"idle_sockets_{idle}": held,
        "models_alone": asyncio.run(_models(ROOT / "var" / "models", messages)),
    }


def _start(server: RunningServer, crowd: Crowd) -> tuple[float, float, float]:
    """Seconds until it serves, from message to first answer, and of both together."""
    began = time.monotonic()
    start = server.start()
    first = asyncio.run(closed_loop(crowd, 1, 1))[0]
    return start, first, time.monotonic() - began


async def _measured(server: RunningServer, work: Awaitable[list[float]]) -> dict[str, float]:
    """Percentiles, and the server's processor time per answer: robust on a busy machine."""
    before = server.processor_seconds()
    found = await work
    cost = (server.processor_seconds() - before) / len(found)
    return _summary(found) | {"processor_ms_per_answer": round(1000 * cost, 2)}


async def _while_idle(
    server: RunningServer, crowd: Crowd, idle: int, messages: int
) -> dict[str, float]:
    """The open load again while ``idle`` further sockets follow a conversation each."""
    visitors = await asyncio.to_thread(tokens, server, idle, started=True)
    before = server.memory(children=False)
    sockets = await gathered(Crowd(server, iter(visitors)), idle)
    await asyncio.sleep(_SETTLE)
    kilobytes = (server.memory(children=False) - before) / 1e3 / idle
    busy = server.processor_seconds()
    await asyncio.sleep(_SETTLE)
    busy = (server.processor_seconds() - busy) / _SETTLE
    found = await _measured(server, open_loop(crowd, CUSTOMERS, RATE, messages, seed=8))
    await asyncio.gather(*(customer.leave() for customer in sockets))
    return found | {
        "kilobytes_per_socket": round(kilobytes, 1),
        "processor_share_while_nothing_happens": round(busy, 3),
    }


async def _models(folder: Path, messages: int) -> dict[str, float]:
    """Intent and entities of one message, at once, with nothing stored and nothing retrieved."""
    engine = LocalEngine(folder, settings=default_settings(), cache_size=0)
    engine.warm(["intent", "ner"])
    written, found = texts(), []
    for number in range(_WARM + messages):
        text = next(written)
        began = time.perf_counter()
        await asyncio.gather(engine.apredict("intent", [text]), engine.apredict("ner", [text]))
        if number >= _WARM:
            found.append(time.perf_counter() - began)
    engine.close()
    return _summary(found)


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    return {"n": len(seconds), **percentiles(seconds, digits=1)}


def _line(name: str, row: dict[str, float]) -> str:
    cost = row.get("processor_ms_per_answer")
    spent = f", {cost} ms of processor an answer" if cost is not None else ""
    return (
        f"{name:>36}: p50 {row['p50_ms']} ms, p95 {row['p95_ms']} ms, p99 {row['p99_ms']} ms"
        f" ({row['n']} messages{spent})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200, help="at each closed load")
    parser.add_argument("--steady", type=int, default=600, help="at each open load")
    parser.add_argument("--idle", type=int, default=IDLE, help="open sockets that say nothing")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run(options.messages, options.steady, options.idle)
    print(f"start to first answer {report['start_to_first_answer_seconds']} s, ", end="")
    print(f"later starts {report['later_start_to_first_answer_seconds']} s, ", end="")
    print(f"memory {report['memory_mb']} MB (server and worker)")
    for customers, row in report["customers"].items():
        print(_line(f"{customers} customers", row))
    print(_line(f"{RATE} messages a second", report[f"messages_a_second_{RATE}"]))
    held = report[f"idle_sockets_{options.idle}"]
    print(_line(f"the same beside {options.idle} idle sockets", held))
    print(
        f"an idle socket holds {held['kilobytes_per_socket']} KB; all of them together use ", end=""
    )
    print(f"{100 * held['processor_share_while_nothing_happens']:.1f}% of a core")
    print(_line("intent and entities alone", report["models_alone"]))
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
