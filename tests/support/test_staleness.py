"""Articles that went stale: the signs, since when, where it is shown, what ends it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.support import services
from apps.support.models import Article, ArticleHealth, Message, Rating
from apps.support.services import article_corrections, health
from apps.support.staleness import (
    CORRECTED,
    FELL,
    RECENT,
    UNTOUCHED,
    Cited,
    Evidence,
    signs_of,
)
from tests.support.conftest import client_of

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=400)


def evidence(*cited: tuple[int, bool | None], corrected: int = 0, changed: Any = None) -> Evidence:
    rows = [Cited(NOW - timedelta(days=days), helped) for days, helped in cited]
    return Evidence(changed or NOW - timedelta(days=170), rows, corrected)


def signs(found: Evidence) -> list[str]:
    return signs_of(found, now=NOW, months=12)


def test_untouched_while_it_is_cited() -> None:
    assert signs(evidence((1, None), changed=LONG_AGO)) == [UNTOUCHED]
    assert signs(evidence((RECENT.days + 1, None), changed=LONG_AGO)) == []
    assert signs(evidence((1, None))) == []


def test_helping_less_than_before() -> None:
    before = [(100, True)] * 9 + [(100, False)]
    assert signs(evidence(*before, *[(3, False)] * 6, (3, True))) == [FELL]
    assert signs(evidence(*before, *[(3, False)] * 2, *[(3, True)] * 6)) == []
    assert signs(evidence(*before, *[(3, False)] * 4)) == []  # too few to tell
    assert signs(evidence(*[(3, False)] * 8)) == [FELL]  # nobody rated it before
    bad_ever = [(100, False)] * 9 + [(100, True)]
    assert signs(evidence(*bad_ever, *[(3, False)] * 8)) == []


def test_corrected_by_operators() -> None:
    assert signs(evidence(*[(3, None)] * 10, corrected=3)) == [CORRECTED]
    assert signs(evidence(*[(3, None)] * 10, corrected=2)) == []
    assert signs(evidence(*[(3, None)] * 100, corrected=3)) == []


@pytest.fixture
def fees(db: None) -> Article:
    article = Article.objects.create(slug="fees", title="What are the fees?", body="None.")
    Article.objects.filter(pk=article.pk).update(updated_at=LONG_AGO)
    return article


def cite(article: Article, *, good: bool | None = None, at: datetime | None = None) -> Message:
    """A conversation in which the bot cited the article; returns the question."""
    row = services.conversation_start(visitor=uuid.uuid4(), name="Vera")
    asked = Message.objects.create(conversation=row, seq=1, author="visitor", text="what fees")
    answer = Message.objects.create(
        conversation=row,
        seq=2,
        author="bot",
        text="None.",
        citations=[{"slug": article.slug, "title": article.title, "url": "/"}],
        analysis={"answers": 1},
    )
    Message.objects.filter(pk=answer.pk).update(created_at=at or NOW - timedelta(hours=1))
    if good is not None:
        Rating.objects.create(conversation=row, good=good)
    return asked


def test_it_is_marked_once_shown_everywhere_and_a_change_ends_it(
    fees: Article, olivia: User, mei: User
) -> None:
    assert health.articles_review() == 0
    cite(fees, good=True)
    cite(fees, good=False)
    cite(fees, at=LONG_AGO - timedelta(days=1))
    assert health.articles_review() == 1
    first = ArticleHealth.objects.get()
    assert (first.cited, first.helped, first.unhelped, first.signs) == (2, 1, 1, [UNTOUCHED])
    assert health.articles_review() == 1
    assert ArticleHealth.objects.get().stale_since == first.stale_since
    client = client_of(olivia)
    assert "stale since" in client.get("/support/knowledge/?state=stale").content.decode()
    page = client.get("/support/knowledge/a/fees/").content.decode()
    assert "not changed for long" in page
    assert "Cited in 2 conversations" in page
    assert "stale since" in client.get("/support/reports/").content.decode()
    told = client.get("/api/v1/support/articles/fees/health/").json()
    assert (told["signs"], len(told["cited_in"])) == ([UNTOUCHED], 3)
    assert (
        client.get("/api/v1/support/articles/?state=stale").json()["results"][0]["slug"] == "fees"
    )
    assert client_of(mei).get("/api/v1/support/articles/fees/health/").status_code == 403
    services.article_update(
        slug="fees", author=olivia, content=services.Content(title="What fees?", body="Still none.")
    )
    assert not ArticleHealth.objects.exists()
    assert health.articles_review() == 0
    assert ArticleHealth.objects.get().cited == 0
    assert client.get("/support/knowledge/?state=stale").content.decode().count("What fees?") == 0


def test_corrections_against_it_count(fees: Article, olivia: User) -> None:
    Article.objects.filter(pk=fees.pk).update(updated_at=NOW - timedelta(days=3))
    for _ in range(3):
        asked = cite(fees)
        which = {"conversation_id": asked.conversation_id, "seq": 1, "operator": olivia}
        article_corrections.article_correct(slug="none", **which)
    assert health.articles_review() == 1
    assert ArticleHealth.objects.get().signs == [CORRECTED]
