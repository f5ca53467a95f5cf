"""Background work of Market: polling, importing, re-linking, forgetting old fingerprints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.utils import timezone
from django_tasks import task

from apps.core.errors import NotFound, Problem
from apps.core.jobs import ProgressReporter
from apps.market.models import Fingerprint, Source, UnlinkedName
from apps.market.services.anomalies import anomalies_find, detectors_tune
from apps.market.services.deliveries import deliveries_send_due
from apps.market.services.digests import digests_make
from apps.market.services.escalation import alerts_escalate
from apps.market.services.imports import NewsFile, news_import
from apps.market.services.meaning import meanings_prune
from apps.market.services.notifying import alerts_release
from apps.market.services.relinking import Change, dated_names_relink, history_relink
from apps.market.services.replays import replays_prune
from apps.market.services.sources import feed_poll, feeds_poll_due
from apps.market.stories import WINDOW
from ml.wording import Wording

POLL_JOB = "market.poll"
_PRUNED_AT_ONCE = 10_000


def import_upload(
    progress: ProgressReporter, *, path: str, name: str, skip_bad: bool
) -> dict[str, Any]:
    """The job of an uploaded file; the upload is deleted once it is stored or refused."""
    kept = Path(path)
    try:
        report = news_import(
            file=NewsFile(kept, name),
            kind=Source.Kind.UPLOAD,
            skip_bad=skip_bad,
            progress=progress,
        )
    except Problem:
        kept.unlink(missing_ok=True)
        raise
    kept.unlink(missing_ok=True)
    return asdict(report)


def poll_source(progress: ProgressReporter, *, source_id: int) -> dict[str, int]:
    """The job of a feed that somebody wants polled now; a feed that fails fails the job."""
    source = Source.objects.filter(id=source_id, kind=Source.Kind.FEED).first()
    if source is None:
        raise NotFound("There is no such feed.")
    counts = feed_poll(source=source)
    if source.state == Source.State.FAILING:
        raise Problem(source.told[0], code=source.error_code)
    if source.told:
        words = Wording(
            "%(created)s new articles; entries refused: %(refused)s, the first: %(first)s",
            created=counts["created"],
            refused=counts["refused"],
            first=source.told[0],
        )
    else:
        words = Wording("%(created)s new articles", created=counts["created"])
    progress.update(1, 1, words)
    return counts


def relink_history(progress: ProgressReporter, *, name_id: int) -> dict[str, int]:
    """The job of a name that was merged with a company."""
    name = UnlinkedName.objects.select_related("company").filter(id=name_id).first()
    if name is None:
        raise NotFound("There is no such name.")
    return history_relink(name=name, progress=progress)


def relink_dated(progress: ProgressReporter, *, changes: list[Change]) -> dict[str, Any]:
    """The job of names that got or lost days."""
    return {**dated_names_relink(changes=changes, progress=progress)}


def tune_detection(progress: ProgressReporter, *, wanted: float) -> dict[str, Any]:
    """The job of somebody who wants detection tuned; what is unusual by it is found at once."""
    progress.update(0, 2, Wording("dealing the archive"))
    tuned = detectors_tune(wanted=wanted)
    progress.update(1, 2, Wording("judging the last 30 days"))
    found = anomalies_find()
    progress.update(2, 2, Wording("%(found)s found", found=found))
    return {"kinds": [asdict(one) for one in tuned], "found": found}


@task()
def find_unusual() -> int:
    """Judge what was scored since the last look."""
    return anomalies_find()


@task()
def poll_feeds() -> int:
    """Poll the feeds that are due."""
    return feeds_poll_due()


@task()
def sweep_alerts() -> int:
    """Let alerts ring or escalate whose time has come, close digests, send what is due."""
    return alerts_release() + alerts_escalate() + digests_make() + deliveries_send_due()


@task()
def prune_fingerprints() -> int:
    """Forget the fingerprints of articles too old to be repeated, some at a time: of a day with
    100,000 articles there are more than a million, and others wait to write."""
    old = Fingerprint.objects.filter(at__lt=timezone.now() - 3 * WINDOW)
    pruned = 0
    while moments := list(old.order_by("at").values_list("at", flat=True)[:_PRUNED_AT_ONCE]):
        deleted, _ = old.filter(at__lte=moments[-1]).delete()
        pruned += deleted
    return pruned


@task()
def prune_meanings() -> int:
    """Forget the meaning of stories that no rule is tried on any more."""
    return meanings_prune()


@task()
def prune_replays() -> int:
    """Forget replays that ended long ago."""
    return replays_prune()
