"""Content gaps: found among what the bot could not answer, begun as articles, dismissed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.errors import Conflict
from apps.support import knowledge
from apps.support.models import Article, Gap, GapQuestion
from apps.support.selectors import gaps as selectors
from apps.support.services.articles import Content, article_create
from apps.support.small_talk import small_talk
from ml.retrieval.grouping import group_as_they_come

LOOKED_BACK = timedelta(days=60)
ALIKE = 0.6
"""The cosine with the middle of a gap from which on a question belongs to it."""
_BATCH = 200
_QUESTIONS = 8  # that a draft begins with


def gaps_renew() -> int:
    """Put the questions that the bot could not answer since the last time into gaps; returns how
    many. Raises ``Problem`` while the models are away."""
    since = timezone.now() - LOOKED_BACK
    waiting = selectors.unanswered(since=since, limit=_BATCH)
    asked = [one for one in waiting if small_talk(one.text) is None]
    if not asked:
        return 0
    task = knowledge.best_encoder()
    found = gateway.encode([one.text for one in asked], task=task)
    vectors = np.stack([one.vector for one in found])
    encoder = f"{task} {found[0].version}"
    with transaction.atomic():
        # Another encoder's middles say nothing; its gaps stay as they are, and new ones begin.
        gaps = list(Gap.objects.select_for_update().filter(encoder=encoder).order_by("pk"))
        sums = [np.frombuffer(gap.vector, dtype=np.float32) for gap in gaps]
        known = np.stack(sums) if sums else np.empty((0, vectors.shape[1]), np.float32)
        chosen, grown, nearness = group_as_they_come(vectors, known, least=ALIKE)
        for at, row in enumerate(grown):
            if at < len(gaps):
                gaps[at].vector = row.tobytes()
                gaps[at].save(update_fields=["vector"])
            else:
                gaps.append(Gap.objects.create(encoder=encoder, vector=row.tobytes()))
        for message, group, near in zip(asked, chosen, nearness, strict=True):
            GapQuestion.objects.get_or_create(
                message=message, defaults={"gap": gaps[int(group)], "nearness": float(near)}
            )
        Gap.objects.filter(questions=None).delete()  # whose customers were erased
    return len(asked)


def gap_draft(*, gap_id: int, actor: User) -> Article:
    """Begin an article, a draft, with the questions of a gap; raises ``Conflict`` for one that has
    one."""
    with transaction.atomic():
        report = selectors.gap_get(gap_id=gap_id, operator=actor)
        if report.gap.article is not None:
            raise Conflict("An article was begun for this already.", code="article_begun")
        article = article_create(
            author=actor,
            content=Content(
                title=report.name[:200],
                body=f"What customers asked {report.size} times, and what is true about it.",
                questions=tuple(dict.fromkeys(one.text[:200] for one in report.asked))[:_QUESTIONS],
                published=False,
            ),
        )
        report.gap.state, report.gap.article, report.gap.actor = Gap.State.DRAFTED, article, actor
        report.gap.save()
        _record(actor, "gap.drafted", report.gap, article=article.slug)
    return article


def gap_dismiss(*, gap_id: int, actor: User, back: bool = False) -> Gap:
    """Say that a gap needs no article, or with ``back`` that it does after all."""
    with transaction.atomic():
        gap = selectors.gap_get(gap_id=gap_id, operator=actor).gap
        gap.state = Gap.State.OPEN if back else Gap.State.DISMISSED
        gap.actor = actor
        gap.save()
        _record(actor, "gap.reopened" if back else "gap.dismissed", gap)
    return gap


def _record(actor: User, action: str, gap: Gap, **more: Any) -> None:
    audit_record(actor=actor, action=action, object_type="gap", object_id=gap.pk, **more)
