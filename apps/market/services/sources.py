"""Feeds: adding, pausing, polling. A feed that fails is asked less often and says why."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.fetching import Fetcher, FetchError
from apps.core.file_imports import RowError
from apps.market.feeds import FeedError, parse_feed
from apps.market.models import Source
from apps.market.rows import article_row
from apps.market.services.imports import ImportReport
from apps.market.services.intake import articles_store
from ml.wording import Wording

logger = structlog.get_logger(__name__)

LONGEST_PAUSE = timedelta(hours=6)
LONGEST_ASKED = timedelta(days=1)
"""How long a server may ask not to be polled (``Retry-After``)."""
POLLING = 20.0
"""Seconds after which no further feed is begun: the worker has alerts to see to. What is still due
is polled the next time, the longest waiting first."""

INTERVALS = (60, 86_400)
"""The bounds of a feed's polling interval in seconds."""

_KEPT = 5
"""Of so many refused entries of a feed it is kept what was wrong."""

USUAL_INTERVAL = 300
"""Seconds between polls of a feed of which nobody says more."""


def fetcher() -> Fetcher:
    """The guarded fetcher with this installation's trusted hosts."""
    return Fetcher(allowed_hosts=frozenset(settings.FETCH_ALLOWED_HOSTS))


def feed_create(
    *, actor: Any, url: str, name: str = "", interval_seconds: int = USUAL_INTERVAL
) -> Source:
    """Add a feed, due at once; without a ``name`` it is called by its host until it is read.

    Raises ``NotAllowed``, ``InvalidInput``, ``Conflict`` (the address or the name is taken).
    """
    if not actor.has_perm("market.manage_sources"):
        raise NotAllowed("Only analysts add feeds.")
    try:
        row = article_row({"title": "-", "url": url.strip(), "source": name.strip() or "-"})
    except RowError as error:
        raise InvalidInput(
            "The feed: %(error)s.", fields={"url": str(error)}, error=error.words
        ) from error
    if not row.url:
        raise InvalidInput("Give the feed's address.", fields={"url": "is empty"})
    if not INTERVALS[0] <= interval_seconds <= INTERVALS[1]:
        problem = f"between {INTERVALS[0]} and {INTERVALS[1]} seconds"
        raise InvalidInput(
            "A feed is polled every so often: %(problem)s.",
            fields={"interval_seconds": problem},
            problem=problem,
        )
    label = row.source if name.strip() else row.url.split("/")[2][:120]
    try:
        with transaction.atomic():
            source = Source.objects.create(
                name=label,
                kind=Source.Kind.FEED,
                url=row.url,
                interval_seconds=interval_seconds,
                next_poll_at=timezone.now(),
            )
            audit_record(
                actor=actor, action="feed.added", object_type="source", object_id=source.pk
            )
    except IntegrityError as error:
        raise Conflict("This feed or this name is there already.", code="source_exists") from error
    return source


def feed_pause(*, actor: Any, source: Source, paused: bool) -> Source:
    """Stop or resume polling a feed, or taking what a webhook sends."""
    if not actor.has_perm("market.manage_sources"):
        raise NotAllowed("Only analysts change feeds.")
    if source.kind not in (Source.Kind.FEED, Source.Kind.WEBHOOK):
        raise InvalidInput("Only feeds and webhooks are paused.", code="source_no_feed")
    source.state = Source.State.PAUSED if paused else Source.State.NEW
    polls = source.kind == Source.Kind.FEED and not paused
    source.next_poll_at = timezone.now() if polls else None
    source.save(update_fields=["state", "next_poll_at"])
    return source


def feed_poll(*, source: Source) -> dict[str, int]:
    """Fetch a feed now and store what is new; returns counts. Its state tells what went wrong.

    A failed poll is tried again after :func:`pause_of`, later where the server's ``Retry-After``
    says so.
    """
    now = timezone.now()
    try:
        fetched = fetcher().fetch(source.url, etag=source.etag, last_modified=source.last_modified)
        if fetched.not_modified:
            _succeeded(source, now)
            return {"created": 0, "updated": 0, "unchanged": 0, "refused": 0}
        feed = parse_feed(fetched.content, content_type=fetched.content_type, source=source.name)
    except FetchError as error:
        _failed(source, now, error.code, error.words, timedelta(seconds=error.retry_after))
        return {"created": 0, "updated": 0, "unchanged": 0, "refused": 0}
    except FeedError as error:
        _failed(source, now, error.code, error.words)
        return {"created": 0, "updated": 0, "unchanged": 0, "refused": 0}
    outcomes = articles_store(rows=feed.rows, kind=Source.Kind.FEED)
    source.etag, source.last_modified = fetched.etag, fetched.last_modified
    _succeeded(source, now, refused=feed.refused)
    counts = Counter(outcome.status for outcome in outcomes)
    return {
        "created": counts["created"],
        "updated": counts["updated"],
        "unchanged": counts["unchanged"],
        "refused": len(feed.refused),
    }


def feed_read(*, url: str) -> ImportReport:
    """Read a feed once and store its articles, without keeping it as a source to poll.

    Raises ``FetchError`` and ``FeedError``.
    """
    fetched = fetcher().fetch(url)
    feed = parse_feed(fetched.content, content_type=fetched.content_type)
    report = ImportReport(file=url, rows=len(feed.rows), skipped=len(feed.refused))
    report.errors = list(feed.refused)
    report.count(articles_store(rows=feed.rows, kind=Source.Kind.FEED))
    return report


def _succeeded(source: Source, now: datetime, refused: tuple[Wording, ...] = ()) -> None:
    source.state, source.failures = Source.State.HEALTHY, 0
    source.error_code = "entries_refused" if refused else ""
    _note(source, refused)
    source.succeeded_at = now
    _polled(source, now, pause_of(source))


def pause_of(source: Source) -> timedelta:
    """The time from one poll of a feed to the next: its interval, doubled with each failure in a
    row up to six hours, but never less than the interval."""
    interval = timedelta(seconds=source.interval_seconds)
    return max(interval, min(interval * 2 ** min(source.failures, 12), LONGEST_PAUSE))


def _failed(
    source: Source, now: datetime, code: str, words: Wording, asked: timedelta = timedelta()
) -> None:
    logger.warning("feed failed", source=source.name, code=code)
    source.state, source.error_code = Source.State.FAILING, code
    _note(source, (words,))
    source.failures += 1
    _polled(source, now, max(pause_of(source), min(asked, LONGEST_ASKED)))


def _note(source: Source, told: Sequence[Wording]) -> None:
    """Keep what went wrong, the first few where there are many."""
    source.error = "; ".join(told)[:500]
    source.error_parts = [words.parts() for words in told[:_KEPT]]


def _polled(source: Source, now: datetime, pause: timedelta) -> None:
    source.polled_at, source.next_poll_at = now, now + pause
    source.save(
        update_fields=[
            "etag",
            "last_modified",
            "state",
            "error_code",
            "error",
            "error_parts",
            "failures",
            "polled_at",
            "succeeded_at",
            "next_poll_at",
        ]
    )


def feeds_poll_due() -> int:
    """Poll the feeds whose time has come; returns how many. Any number of workers may do so."""
    now, until = timezone.now(), time.monotonic() + POLLING
    polled = 0
    due = Source.objects.filter(kind=Source.Kind.FEED, next_poll_at__lte=now)
    for source in due.exclude(state=Source.State.PAUSED).order_by("next_poll_at"):
        if time.monotonic() > until:
            break
        # The old time in the filter makes this a compare-and-swap between workers.
        taken = Source.objects.filter(id=source.pk, next_poll_at=source.next_poll_at).update(
            next_poll_at=now + timedelta(seconds=source.interval_seconds)
        )
        if taken:
            feed_poll(source=source)
            polled += 1
    return polled
