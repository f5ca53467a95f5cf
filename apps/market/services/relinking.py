"""Reads stored articles again after a name got its company."""

from __future__ import annotations

from collections.abc import Sequence

from asgiref.sync import async_to_sync
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core.jobs import ProgressReporter
from apps.market.analysis import Analysis, analyse
from apps.market.models import Article, UnlinkedName
from apps.market.services.scoring import BATCH, scores_write


def history_relink(*, name: UnlinkedName, progress: ProgressReporter) -> dict[str, int]:
    """Score anew every article that has the merged ``name`` and is not linked to its company.

    Raises no alerts and leaves the tape alone: the news is old. Done again it finds nothing left,
    so that an interrupted run resumes. Returns how many articles were read and linked.
    """
    if name.company is None:
        return {"articles": 0, "linked": 0}
    ids = list(
        Article.objects.filter(
            Q(title__icontains=name.name) | Q(body__icontains=name.name),
            status=Article.Status.SCORED,
        )
        .exclude(mentions__company=name.company)
        .order_by("id")
        .values_list("id", flat=True)
    )
    linked = 0
    for start in range(0, len(ids), BATCH):
        read = Article.objects.filter(id__in=ids[start : start + BATCH]).select_related("source")
        articles = list(read.order_by("id"))
        analyses = async_to_sync(analyse)(articles)
        linked += _replace(analyses, name.company.pk)
        progress.update(min(start + BATCH, len(ids)), len(ids), f"{linked} linked")
    progress.update(len(ids), len(ids), f"{linked} of {len(ids)} articles linked")
    return {"articles": len(ids), "linked": linked}


def _replace(analyses: Sequence[Analysis], company_id: int) -> int:
    """Store what was read of articles that did not change meanwhile; count those now linked."""
    with transaction.atomic():
        kept = [
            analysis
            for analysis in analyses
            if Article.objects.filter(
                id=analysis.article.pk,
                status=Article.Status.SCORED,
                revision=analysis.article.revision,
            ).update(scored_at=timezone.now())
        ]
        scores_write(analyses=kept)
    return sum(company_id in {found.company_id for found in kept_.mentions} for kept_ in kept)
