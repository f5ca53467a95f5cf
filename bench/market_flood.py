"""What happens when 100,000 articles come at once?

    python -m bench.market_flood [--door api|upload|archive] [--articles N] [--drain] [--json]

A real server with its workers and 200 rules. The articles are handed over as fast as they are
taken: in requests of 500, as one file, or as an archive that a command imports beside the server.
Meanwhile somebody looks at the state and at the tape twice a second. When half is stored server and
workers are killed (kill -9) and started again; what was under way is sent once more, as senders do.

It tells how many a second are stored and scored, how soon the server answers meanwhile and how much
memory it takes, and whether an article is missing or an alert there twice.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil

from bench.made_up_news import articles
from bench.market_pipeline import RULES, SIGN_IN, make_rules
from bench.measures import percentiles
from bench.server import ROOT, RunningServer

BATCH = 500
_COUNTED = """
import json
from django.db.models import Count
from apps.market.models import Alert, Article, Score
twice = Alert.objects.values("rule", "story", "company").annotate(n=Count("id")).filter(n__gt=1)
whole = Score.objects.filter(company=None)
print(json.dumps({
    "stored": Article.objects.count(),
    "repeats": Article.objects.exclude(story=None).count(),
    "scored": Article.objects.filter(status="scored").count(),
    "scored_twice": whole.count() - whole.values("article").distinct().count(),
    "alerts": Alert.objects.count(),
    "alerts_twice": twice.count(),
}))
"""


class Watch:
    """Somebody who looks at the state and the tape twice a second, and at the memory."""

    def __init__(self, server: RunningServer, api: httpx.Client) -> None:
        self.seconds: dict[str, list[float]] = {"status": [], "articles": []}
        self.refused = 0
        self.waiting = self.most_waiting = self.a_minute = self.memory = 0
        self._server, self._api = server, api
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            for page, seconds in self.seconds.items():
                began = time.perf_counter()
                try:
                    answer = self._api.get(f"/{page}/").raise_for_status().json()
                except httpx.HTTPError:  # it is being killed and started again
                    self.refused += 1
                    continue
                seconds.append(time.perf_counter() - began)
                if page == "status":
                    self.waiting, self.a_minute = answer["waiting"], answer["scored_last_minute"]
                    self.most_waiting = max(self.most_waiting, self.waiting)
            with contextlib.suppress(psutil.Error):
                self.memory = max(self.memory, self._server.memory(mapped=False))

    def end(self) -> dict[str, Any]:
        """Stop looking; what was seen."""
        self._ended.set()
        self._thread.join()
        answers = {page: percentiles(seconds) for page, seconds in self.seconds.items()}
        return {
            "answers": answers,
            "most_waiting": self.most_waiting,
            "memory_mb": round(self.memory / 1e6),
        }


class Flood:
    """``number`` articles on their way to a server that is killed when half of them are stored."""

    def __init__(self, server: RunningServer, api: httpx.Client, number: int) -> None:
        self.server, self.api, self.number = server, api, number
        self.down = 0.0

    def kill(self) -> None:
        """Kill server and workers, start them again, and note how long that took."""
        began = time.perf_counter()
        self.server.kill(children=True)
        self.server.start()
        self.down += time.perf_counter() - began

    def by_api(self) -> None:
        rows = list(articles(self.number))
        for start in range(0, self.number, BATCH):
            batch = rows[start : start + BATCH]
            if start <= self.number // 2 < start + BATCH:
                sending = threading.Thread(target=self._lost, args=(batch,))
                sending.start()
                time.sleep(0.05)
                self.kill()
                sending.join()
            self._sent(batch)

    def _sent(self, batch: list[dict[str, str]]) -> None:
        self.api.post("/articles/", json=batch).raise_for_status()

    def _lost(self, batch: list[dict[str, str]]) -> None:
        """A request that the server is killed under."""
        try:
            self._sent(batch)
        except httpx.HTTPError:
            return

    def by_upload(self) -> None:
        path = self._file(now=True)
        with path.open("rb") as handle:
            sent = self.api.post("/uploads/", files={"file": (path.name, handle)})
        job = sent.raise_for_status().json()["id"]
        self._job(job, lambda row: row["done"] > self.number // 2)
        self.kill()
        self._job(job, lambda row: row["status"] not in ("queued", "running"))

    def _job(self, job: str, ended: Callable[[dict[str, Any]], bool]) -> None:
        while True:
            row = self.api.get(f"{self.server.url}/api/v1/jobs/{job}/").raise_for_status().json()
            if ended(row):
                return
            if row["status"] == "failed":
                raise RuntimeError(row["message"])
            time.sleep(0.2)

    def by_archive(self) -> None:
        path = self._file(now=False)
        command = [sys.executable, "manage.py", "ingest_news", "--file", str(path), "--no-score"]

        def started() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.server.environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        first = started()
        while first.poll() is None and self._waiting() < self.number // 2:
            time.sleep(0.5)
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.kill()
        if started().wait():
            raise RuntimeError("the archive was not imported")

    def _waiting(self) -> int:
        return int(self.api.get("/status/").raise_for_status().json()["waiting"])

    def _file(self, *, now: bool) -> Path:
        """All articles as CSV, of now or of the year before."""
        path = self.server.var / "flood.csv"
        step = timedelta(days=300) / self.number
        first = datetime.now(UTC) - timedelta(days=310)
        with path.open("w", encoding="utf-8", newline="") as handle:
            names = ["title", "body", "url", "source", "published_at"]
            table = csv.DictWriter(handle, names)
            table.writeheader()
            for place, row in enumerate(articles(self.number)):
                at = "" if now else (first + place * step).isoformat()
                table.writerow({**row, "published_at": at})
        return path


def run(door: str, number: int, seconds: float, *, drain: bool) -> dict[str, Any]:
    """Hand ``number`` articles over; score for ``seconds`` after that, or until nothing waits."""
    with (
        tempfile.TemporaryDirectory(prefix="trefoil-bench-") as folder,
        RunningServer(Path(folder), worker=True) as server,
    ):
        server.prepare("load_companies", "load_companies --file demo/news/companies.csv")
        token = server.manage("shell", "-v", "0", "-c", SIGN_IN).split()[-3]
        server.start()
        client = httpx.Client(
            base_url=f"{server.url}/api/v1/market",
            headers={"Authorization": f"Token {token}"},
            timeout=120,
        )
        with client as api:
            make_rules(api)
            flood, watch = Flood(server, api, number), Watch(server, api)
            began = time.perf_counter()
            getattr(flood, f"by_{door}")()
            storing = time.perf_counter() - began
            while drain and api.get("/status/").json()["waiting"]:
                time.sleep(1)
            time.sleep(0 if drain else seconds)
            whole = time.perf_counter() - began
            rate, waiting, seen = watch.a_minute, watch.waiting, watch.end()
        server.stop()
        counted = json.loads(server.manage("shell", "-v", "0", "-c", _COUNTED).splitlines()[-1])
    return {
        "bench": "market_flood",
        "door": door,
        "articles": number,
        "rules": RULES,
        "lost": number - counted["stored"],
        **counted,
        "storing_seconds": round(storing),
        "of_these_down_seconds": round(flood.down, 1),
        "stored_a_second": round(number / (storing - flood.down), 1),
        "whole_seconds": round(whole),
        "scored_last_minute": rate,
        "still_waiting": waiting,
        **seen,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--door", choices=("api", "upload", "archive"), default="api")
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0, help="scoring after all is stored")
    parser.add_argument("--drain", action="store_true", help="until all is scored")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run(options.door, options.articles, options.seconds, drain=options.drain)
    for name, value in report.items():
        print(f"{name:22} {value}")
    if options.json:
        print(json.dumps(report))


if __name__ == "__main__":
    main()
