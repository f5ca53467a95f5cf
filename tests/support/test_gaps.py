"""Content gaps: what the bot could not answer, grouped, begun as articles, dismissed."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
import pytest

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.support import knowledge
from apps.support.models import Article, Conversation, Gap, GapQuestion, Message, Team
from apps.support.selectors import gaps as selectors
from apps.support.services import gaps
from ml.retrieval.grouping import group_as_they_come
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db(transaction=True)
API = "/api/v1/support/gaps/"
UNSURE = {"action": "unsure", "rule": "out of scope"}


def asked(text: str, analysis: dict[str, Any] | None = None) -> Message:
    conversation = Conversation.objects.create(
        visitor=uuid.uuid4(), active_at="2026-01-01T00:00:00Z"
    )
    return Message.objects.create(
        conversation=conversation,
        seq=1,
        author=Message.Author.VISITOR,
        text=text,
        analysis=analysis or UNSURE,
    )


@pytest.fixture
def questions(articles: Any) -> list[Message]:
    """Three alike and one apart; the fake encoder makes equal vectors of equal words."""
    knowledge.current()
    return [
        *(asked("do you insure my phone abroad") for _ in range(3)),
        asked("is there a branch in Leeds"),
    ]


def test_groups_grow_and_stay_in_place() -> None:
    east, north = np.eye(2, dtype=np.float32)
    near = np.array([0.9, np.sqrt(1 - 0.81)], dtype=np.float32)
    chosen, sums, nearness = group_as_they_come(
        np.stack([near, north]), np.stack([10 * east]), least=0.8
    )
    assert chosen.tolist() == [0, 1]
    assert nearness.tolist() == pytest.approx([0.9, 1.0])
    assert sums.shape == (2, 2)
    nothing, none, _ = group_as_they_come(np.empty((0, 2), np.float32), np.empty((0, 2)), least=0.5)
    assert (len(nothing), none.shape) == (0, (0, 2))


def test_questions_without_an_answer_are_grouped_by_size(
    questions: list[Message], olivia: User
) -> None:
    asked("hello")  # small talk
    asked("a person please", {"action": "hand_over", "rule": "the visitor asked for a person"})
    asked("how do I change my pin", {"action": "answer", "rule": "the intent is sure"})
    assert gaps.gaps_renew() == 4
    assert gaps.gaps_renew() == 0
    first, second = selectors.gap_list(operator=olivia)
    assert (first.size, first.name) == (3, "do you insure my phone abroad")
    assert (second.size, second.name) == (1, "is there a branch in Leeds")
    asked("do you insure my phone abroad")
    gaps.gaps_renew()
    assert [row.size for row in selectors.gap_list(operator=olivia)] == [4, 1]
    assert Gap.objects.count() == 2


def test_an_article_is_begun_with_the_questions(questions: list[Message], olivia: User) -> None:
    gaps.gaps_renew()
    first, _ = selectors.gap_list(operator=olivia)
    page = client_of(olivia).post(f"/support/gaps/{first.gap.pk}/draft/")
    article = Article.objects.get(gaps=first.gap)
    assert page["Location"] == f"/support/knowledge/a/{article.slug}/"
    assert (article.published, article.questions) == (False, ["do you insure my phone abroad"])
    assert len(selectors.gap_list(operator=olivia)) == 1
    (drafted,) = client_of(olivia).get(f"{API}?state=drafted").json()
    assert drafted["article"] == article.slug
    with pytest.raises(Conflict):
        gaps.gap_draft(gap_id=first.gap.pk, actor=olivia)


def test_a_dismissed_gap_stays_so(questions: list[Message], olivia: User, mei: User) -> None:
    gaps.gaps_renew()
    first, _ = selectors.gap_list(operator=olivia)
    url = f"{API}{first.gap.pk}/"
    assert client_of(mei).post(f"{url}dismiss/").status_code == 403
    assert client_of(olivia).post(f"{url}dismiss/").json()["state"] == "dismissed"
    asked("do you insure my phone abroad")
    gaps.gaps_renew()
    assert [row.size for row in selectors.gap_list(operator=olivia)] == [1]
    (kept,) = selectors.gap_list(operator=olivia, state="dismissed")
    assert kept.size == 4
    client_of(olivia).post(f"/support/gaps/{first.gap.pk}/dismiss/", {"back": "1"})
    assert "do you insure my phone" in client_of(olivia).get("/support/gaps/").content.decode()


def test_questions_of_a_private_team_are_for_its_members(
    questions: list[Message], olivia: User, omar: User
) -> None:
    gaps.gaps_renew()
    team = Team.objects.create(name="Fraud", private=True)
    team.members.add(omar)
    Conversation.objects.filter(pk__in=[one.conversation_id for one in questions[1:]]).update(
        team=team
    )
    assert [row.size for row in selectors.gap_list(operator=olivia)] == [1]
    assert [row.size for row in selectors.gap_list(operator=omar)] == [3, 1]
    assert "Leeds" not in client_of(olivia).get(API).content.decode()


def test_a_gap_without_questions_goes(questions: list[Message], olivia: User) -> None:
    gaps.gaps_renew()
    GapQuestion.objects.filter(message=questions[3]).delete()
    questions[3].delete()
    asked("do you insure my phone abroad")
    gaps.gaps_renew()
    assert Gap.objects.count() == 1
