"""Takes in news from a file or a feed and scores it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import CommandError, CommandParser

from apps.core.commands import TerminalProgress, TrefoilCommand
from apps.core.errors import InvalidInput, Problem
from apps.core.fetching import FetchError
from apps.market.feeds import FeedError
from apps.market.models import Company, Source
from apps.market.selectors.sources import backlog
from apps.market.services.companies import shipped_companies_load
from apps.market.services.imports import ImportReport, NewsFile, news_import, news_replay
from apps.market.services.scoring import pending_score
from apps.market.services.sources import feed_read


class Command(TrefoilCommand):
    help = "Take in news from a CSV or JSONL file or a feed, and score it."

    def add_arguments(self, parser: CommandParser) -> None:
        door = parser.add_mutually_exclusive_group(required=True)
        door.add_argument("--file", type=Path, help="title[,body][,url][,source][,published_at]")
        door.add_argument("--feed", help="address of an RSS or Atom feed, read once")
        parser.add_argument("--replay-speed", type=float, help="as live news, so many times faster")
        parser.add_argument("--skip-bad", action="store_true", help="leave bad rows out")
        parser.add_argument("--no-score", action="store_true", help="leave it to the server")

    def run(self, **options: Any) -> dict[str, Any]:
        speed = options["replay_speed"]
        if speed is not None and (options["feed"] or not speed > 0):
            raise CommandError("--replay-speed must be more than 0 and goes with --file")
        if not Company.objects.exists():
            shipped_companies_load()
        report = self._feed(options["feed"]) if options["feed"] else self._file(**options)
        for error in report.errors:
            self.stderr.write(f"skipped {error}")
        scored = 0 if options["no_score"] else self._score()
        left = backlog()
        result = {**asdict(report), "scored": scored, "waiting": left.waiting}
        header = ["rows", "created", "updated", "unchanged", "repeats", "skipped", "scored"]
        self.table([*header, "waiting"], [[result[name] for name in (*header, "waiting")]])
        return result

    def _file(self, *, file: Path, skip_bad: bool, **options: Any) -> ImportReport:
        if not file.is_file():
            raise InvalidInput(f"{file}: no such file.", code="file_missing")
        progress = TerminalProgress("news")
        news = NewsFile(file, file.name)
        try:
            if options["replay_speed"] is None:
                return news_import(
                    file=news, kind=Source.Kind.ARCHIVE, skip_bad=skip_bad, progress=progress
                )
            return news_replay(
                file=news,
                speed=options["replay_speed"],
                skip_bad=skip_bad,
                progress=progress,
                on_stored=lambda: None if options["no_score"] else self._score(),
            )
        finally:
            progress.close()

    def _feed(self, url: str) -> ImportReport:
        try:
            return feed_read(url=url)
        except (FetchError, FeedError) as error:
            raise InvalidInput(f"{url}: {error}", code=error.code) from error

    def _score(self) -> int:
        """Score what waits; what the models cannot take now is left to the server."""
        try:
            return async_to_sync(pending_score)()
        except Problem as problem:
            self.stderr.write(f"not scored yet: {problem.message}")
            return 0
