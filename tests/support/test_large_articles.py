"""An article that is one paragraph without end: refused in words, or answered from its middle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.support import answerer, services
from apps.support.article_files import MAX_BODY
from apps.support.excerpts import LIMIT
from apps.support.models import Article, Conversation, Message
from ml.serving.fakes import FakeEngine
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTE = "The rate is told in the app. " * (2**20 // 29 + 1)
TOLD = f"{MAX_BODY:,} characters"


def test_a_megabyte_is_refused_wherever_it_comes_from(tmp_path: Path, olivia: User) -> None:
    row = {"id": "rates", "title": "Rates", "body": MEGABYTE, "tags": []}
    file = tmp_path / "rates.jsonl"
    file.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(CommandError, match=rf"rates\.jsonl, row 1.*{TOLD}"):
        call_command("import_articles", str(file))
    (tmp_path / "rates.md").write_text(f"# Rates\n\n{MEGABYTE}", encoding="utf-8")
    with pytest.raises(CommandError, match=rf"rates\.md.*{TOLD}"):
        call_command("import_articles", str(tmp_path / "rates.md"))
    client = client_of(olivia)
    refused = client.post("/api/v1/support/articles/", [row], content_type="application/json")
    assert refused.status_code == 400
    form = {"title": "Rates", "body": MEGABYTE, "language": "en", "audience": "public"}
    page = client.post("/support/knowledge/new/", form)
    assert page.status_code == 422
    assert f"{MAX_BODY}" in page.content.decode()
    assert not Article.objects.exists()


def test_the_longest_paragraph_is_answered_by_its_fitting_passage(
    engine: FakeEngine, conversation: Conversation, olivia: User
) -> None:
    wanted = "Lost umbrellas are kept at the branch in Bergen. "
    filler = "Nothing else is told about it here. "
    half = filler * ((MAX_BODY - len(wanted)) // 2 // len(filler))
    body = f"{half}{wanted}{half}".strip()
    assert MAX_BODY - 2 * len(filler) < len(body) <= MAX_BODY
    services.article_create(
        author=olivia,
        content=services.Content(
            title="Where are umbrellas kept?", body=body, tags=("intent:change_pin",)
        ),
    )
    services.message_receive(
        conversation_id=conversation.pk, text="lost umbrellas Bergen pin", client_id="1"
    )
    async_to_sync(answerer.sweep)()
    answer = Message.objects.get(author="bot")
    assert answer.citations[0]["slug"] == "where-are-umbrellas-kept"
    assert wanted.strip() in answer.text
    assert len(answer.text) <= LIMIT + 4
    page = client_of(olivia).get("/support/help/where-are-umbrellas-kept/")
    assert page.status_code == 200
