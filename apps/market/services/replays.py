"""Plays archives as live news: started, paused, sped up and cancelled by their owner."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.file_imports import upload_name
from apps.core.jobs import NoProgress
from apps.market.models import Article, Replay, ReplayRow, Source
from apps.market.rows import ArticleRow, article_row
from apps.market.services.imports import NewsFile, timetable
from apps.market.services.intake import articles_store
from ml.data.readers import Problems

MOST_ARTICLES = 20_000
MOST_BYTES = 50 * 1024 * 1024
SLOWEST, FASTEST = 0.1, 100_000.0
MOST_RUNNING = 3

LONGEST_TICK = timedelta(seconds=2)
"""What of the time between two ticks counts at most; the rest is time in which nobody played."""

_AT_ONCE = 50
_KEPT = timedelta(days=30)


def replay_of_file(*, actor: Any, upload: UploadedFile | None, speed: float) -> Replay:
    """Begin to play a CSV or JSONL file of articles.

    Raises ``NotAllowed``, and ``InvalidInput`` for another speed or a file that is missing, too
    large, or has a bad row (named).
    """
    _check_allowed(actor)
    _check_speed(speed)
    if upload is None:
        raise InvalidInput("Choose a file, or a period of the stored news.", code="upload_missing")
    name = upload_name(upload, most_bytes=MOST_BYTES)
    with tempfile.NamedTemporaryFile(suffix=Path(name).suffix.lower()) as kept:
        for chunk in upload.chunks():
            kept.write(chunk)
        kept.flush()
        file = NewsFile(Path(kept.name), name)
        _check_number(file.check(skip_bad=False, progress=NoProgress()).rows)
        rows = list(file.rows(Problems()))
    return _begin(actor, name, rows, speed)


def replay_of_period(*, actor: Any, since: datetime, until: datetime, speed: float) -> Replay:
    """Begin to play the stored first tellings of a period again.

    News of the last three days is told again by it: it raises no new alerts. Raises
    ``NotAllowed``, ``InvalidInput``.
    """
    _check_allowed(actor)
    _check_speed(speed)
    if until <= since:
        raise InvalidInput("The period ends before it begins.", fields={"until": "too early"})
    stored = Article.objects.filter(
        published_at__gte=since, published_at__lt=until, story=None, correction=""
    )
    _check_number(stored.count())
    rows = [
        ArticleRow(
            article.source.name, "", article.url, article.title, article.body, article.published_at
        )
        for article in stored.select_related("source").order_by("published_at", "id")
    ]
    return _begin(actor, f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}", rows, speed)


def _begin(actor: Any, name: str, rows: Sequence[ArticleRow], speed: float) -> Replay:
    now = timezone.now()
    with transaction.atomic():
        running = Replay.objects.filter(owner=actor, state__in=("running", "paused")).count()
        if running >= MOST_RUNNING:
            raise Conflict(
                "You play %(most_running)s archives; cancel one first.",
                code="replays_full",
                most_running=MOST_RUNNING,
            )
        replay = Replay.objects.create(
            owner=actor, name=name, speed=speed, number=len(rows), ticked_at=now
        )
        ReplayRow.objects.bulk_create(
            [
                ReplayRow(replay=replay, place=place, due=due, record=_record(row))
                for place, (due, row) in enumerate(timetable(list(rows)))
            ],
            batch_size=1000,
        )
        _audit(actor, "replay.started", replay)
    return replay


def _record(row: ArticleRow) -> dict[str, str]:
    return {"source": row.source, "url": row.url, "title": row.title, "body": row.body}


def replay_change(
    *, actor: Any, replay_id: int, speed: float | None = None, state: str = ""
) -> Replay:
    """Pause, go on (``running``), cancel, or play at another speed.

    Raises ``NotFound``, ``InvalidInput``, ``Conflict`` when it is over.
    """
    if speed is not None:
        _check_speed(speed)
    if state not in ("", *(one for one in Replay.State.values if one != Replay.State.FINISHED)):
        raise InvalidInput("A replay is running, paused or cancelled.", fields={"state": "unknown"})
    with transaction.atomic():
        replay = Replay.objects.select_for_update().filter(id=replay_id).first()
        if replay is None or not actor.has_perm("market.change_replay", replay):
            raise NotFound("There is no such replay.")
        if replay.is_over:
            raise Conflict(
                "The replay is %(state)s already.",
                code="replay_over",
                state=replay.get_state_display().lower(),
            )
        replay.speed = speed if speed is not None else replay.speed
        if state and state != replay.state:
            replay.state = state
            replay.ticked_at = timezone.now()
            _audit(actor, f"replay.{state}", replay)
        if replay.state == Replay.State.CANCELLED:
            _end(replay)
        replay.save()
    return replay


def replays_tick() -> int:
    """Move each running replay on and store what is due; returns how many articles that were.

    What a server that died had stored but not counted is stored again, which changes nothing.
    """
    running = Replay.objects.filter(state=Replay.State.RUNNING).order_by("id")
    return sum(_tick(replay, timezone.now()) for replay in running)


def _tick(replay: Replay, now: datetime) -> int:
    passed = min(max(now - replay.ticked_at, timedelta()), LONGEST_TICK)
    # Of several servers the one plays that moves the clock.
    taken = Replay.objects.filter(
        id=replay.pk, ticked_at=replay.ticked_at, state=Replay.State.RUNNING
    ).update(ticked_at=now)
    if not taken:
        return 0
    elapsed = replay.elapsed + passed.total_seconds() * replay.speed
    left = replay.rows.filter(place__gte=replay.played).order_by("place")
    due = list(left.filter(due__lte=elapsed)[:_AT_ONCE])
    if due:
        articles_store(rows=[_row(one) for one in due], kind=Source.Kind.ARCHIVE, live=True)
    _count(replay, len(due), elapsed)
    return len(due)


def _row(one: ReplayRow) -> ArticleRow:
    """The article as new: another one than the archive's, the same however often it is stored."""
    record = {**one.record, "external_id": f"replay {one.replay_id}, {one.place}"}
    return article_row(record)


def _count(replay: Replay, played: int, elapsed: float) -> None:
    with transaction.atomic():
        now = Replay.objects.select_for_update().get(id=replay.pk)
        now.played = replay.played + played
        coming = now.rows.filter(place=now.played).values_list("due", flat=True).first()
        # No faster than the articles are stored.
        now.elapsed = elapsed if coming is None else min(elapsed, coming)
        if coming is None and not now.is_over:
            now.state = Replay.State.FINISHED
            _end(now)
        now.save()


def _end(replay: Replay) -> None:
    replay.finished_at = timezone.now()
    replay.rows.all().delete()


def replays_prune() -> int:
    """Forget replays that have been over for long."""
    old = Replay.objects.filter(finished_at__lt=timezone.now() - _KEPT)
    deleted, _ = old.delete()
    return deleted


def _check_allowed(actor: Any) -> None:
    if not actor.has_perm("market.add_articles"):
        raise NotAllowed("Only analysts play archives.")


def _check_speed(speed: float) -> None:
    if not (math.isfinite(speed) and SLOWEST <= speed <= FASTEST):
        problem = f"Between {SLOWEST:g} and {FASTEST:,.0f} times as fast."
        raise InvalidInput(problem, fields={"speed": problem})


def _check_number(number: int) -> None:
    if not number:
        raise InvalidInput("There is no news in that period.", code="replay_empty")
    if number > MOST_ARTICLES:
        raise InvalidInput(
            "A replay has at most %(most_articles)s articles; this one has %(number)s.",
            code="replay_too_large",
            most_articles=f"{MOST_ARTICLES:,}",
            number=f"{number:,}",
        )


def _audit(actor: Any, action: str, replay: Replay) -> None:
    audit_record(
        actor=actor, action=action, object_type="replay", object_id=replay.pk, name=replay.name
    )
