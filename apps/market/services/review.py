"""Decides unsure verdicts: with a label, which is a correction, or by leaving them open."""

from __future__ import annotations

from typing import Any

from apps.core.errors import NotAllowed, NotFound
from apps.market.models import ReviewSkip, Score
from apps.market.review_models import subject_of


def review_skip(*, actor: Any, article_id: int, company_id: int | None) -> ReviewSkip:
    """Leave a sentiment open; again: no change. Raises ``NotAllowed``, ``NotFound``."""
    if not actor.has_perm("market.review_scores"):
        raise NotAllowed("Only analysts review scores.")
    if not Score.objects.filter(article=article_id, company=company_id).exists():
        raise NotFound("The article has no such score.")
    subject = subject_of(article_id, "sentiment", company_id)
    skip, _ = ReviewSkip.objects.get_or_create(subject=subject, defaults={"skipped_by": actor})
    return skip
