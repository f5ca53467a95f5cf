"""Reads for replays: recent messages, past replays, what changed in one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.core.models import Job
from apps.support.models import Article, Conversation, Message
from apps.support.selectors.teams import in_sight

REPLAY_JOB = "support.replay"


def messages_recent(*, limit: int) -> list[Message]:
    """The last customers' messages that the bot has read, oldest first, but for those within a
    flow."""
    outside = ~Q(analysis__has_key="flow") | Q(analysis__flow__state="begins")
    rows = Message.objects.filter(
        outside, author=Message.Author.VISITOR, analysis__has_key="intents"
    )
    return list(rows.order_by("-pk")[:limit])[::-1]


def replay_list() -> QuerySet[Job]:
    return Job.objects.filter(kind=REPLAY_JOB).select_related("owner").order_by("-created_at")


def replay_get(*, job_id: UUID) -> Job:
    job = replay_list().filter(pk=job_id).first()
    if job is None:
        raise NotFound("There is no such replay.", code="replay_not_found")
    return job


def replay_changes(*, job: Job, operator: User) -> list[dict[str, Any]]:
    """The changes of a replay with the messages, of conversations that ``operator`` may see.

    A replay keeps no texts, so that what was erased since is in none.
    """
    rows: list[dict[str, Any]] = (job.result or {}).get("changes", [])
    seen = Conversation.objects.filter(in_sight(operator))
    found = Message.objects.filter(conversation__in=seen).in_bulk([row["message"] for row in rows])
    slugs = {row[side]["cites"] for row in rows for side in ("before", "after")}
    titles = dict(Article.objects.filter(slug__in=slugs).values_list("slug", "title"))
    return [
        row
        | {
            "text": found[row["message"]].text,
            "conversation": str(found[row["message"]].conversation_id),
            "before": row["before"] | {"title": titles.get(row["before"]["cites"], "")},
            "after": row["after"] | {"title": titles.get(row["after"]["cites"], "")},
        }
        for row in rows
        if row["message"] in found
    ]
