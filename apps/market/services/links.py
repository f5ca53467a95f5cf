"""Corrects the company that an article was linked to, for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market.models import Article, Company, LinkCorrection, Mention, Score
from apps.market.services.history import scores_supersede
from apps.modelhub.models import LabelledExample
from apps.modelhub.services import example_add

TASK = "linking"
NONE = "no company"


def link_correct(
    *, actor: Any, article_id: int, company_id: int, meant_id: int | None = None
) -> LinkCorrection:
    """Say that an article is not about a company but about ``meant_id`` (``None``: no company).

    Its mentions and score go over to that company, also when it is scored again, and the example
    is stored. Raises ``NotAllowed``, ``NotFound`` (it is not linked so), ``InvalidInput``.
    """
    if not actor.has_perm("market.review_scores"):
        raise NotAllowed("Only analysts correct links.")
    if meant_id == company_id:
        raise InvalidInput("It is linked to this company.", fields={"meant": "is the same"})
    with transaction.atomic():
        article = Article.objects.select_for_update().filter(id=article_id).first()
        mentions = Mention.objects.filter(article=article_id, company=company_id)
        first = mentions.select_related("company").first()
        if article is None or first is None:
            raise NotFound("The article is not linked to this company.")
        meant = Company.objects.filter(id=meant_id).first() if meant_id else None
        if meant_id and meant is None:
            raise InvalidInput("There is no such company.", fields={"meant": "unknown"})
        correction, _ = LinkCorrection.objects.update_or_create(
            article=article,
            company_id=company_id,
            defaults={"meant": meant, "corrected_by": actor},
        )
        # Said the other way round before, it would undo this at the next scoring.
        LinkCorrection.objects.filter(article=article, company=meant, meant=company_id).delete()
        _remember(actor, article, first, meant)
        links_apply(article_ids=[article.pk])
    return correction


def links_apply(*, article_ids: Sequence[int]) -> None:
    """Make mentions and scores as analysts corrected them, in the caller's transaction."""
    corrections = LinkCorrection.objects.filter(article__in=article_ids).order_by("id")
    for one in corrections.select_related("meant"):
        mentions = Mention.objects.filter(article=one.article_id, company=one.company_id)
        scores = Score.objects.filter(article=one.article_id, company=one.company_id)
        scores_supersede(scores=scores)
        if one.meant is None:
            mentions.delete()
            scores.delete()
            continue
        for mention in mentions:
            mention.company, mention.confidence = one.meant, 1.0
            mention.evidence = ["an analyst said so"]
            mention.save(update_fields=["company", "confidence", "evidence"])
        if Score.objects.filter(article=one.article_id, company=one.meant).exists():
            scores.delete()
        else:
            scores.update(company=one.meant, known_at=timezone.now())


def _remember(actor: Any, article: Article, mention: Mention, meant: Company | None) -> None:
    text: str = getattr(article, mention.field)
    name = text[mention.start : mention.end]
    example_add(
        app=LabelledExample.App.MARKET,
        task=TASK,
        text=text[:2000],
        old_label=mention.company.ticker,
        new_label=meant.ticker if meant else NONE,
        confidence=min(1.0, max(0.0, mention.confidence)),
        actor=actor,
        subject=f"market.article.{article.pk}.link.{mention.company_id}",
        provenance={"article": article.pk, "name": name, "start": mention.start},
    )
    audit_record(
        actor=actor,
        action="link.corrected",
        object_type="article",
        object_id=article.pk,
        company=mention.company.ticker,
        meant=meant.ticker if meant else None,
    )
