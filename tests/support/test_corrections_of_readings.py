"""Operators correct entities, the cited article and the tone; of disagreement a lead decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, User
from apps.core.errors import InvalidInput, NotFound
from apps.modelhub.models import LabelledExample
from apps.modelhub.selectors.corrections import corrections_of
from apps.modelhub.selectors.disputes import dispute_list
from apps.modelhub.services.disputes import dispute_decide
from apps.support.models import Article, Conversation, Message, Team
from apps.support.services import article_corrections, entity_corrections, tone_corrections
from apps.support.tone import tone_of
from ml.data.pairs import read_pairs
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db
TEXT = "Anna Berg sent it from Oslo, this is ridiculous"
PER, LOC = (0, 9, "PER"), (23, 27, "LOC")
NAMES = ("entities", "article", "tone")
ANSWERS: dict[str, dict[str, Any]] = {
    "entities": {"spans": []},
    "article": {"slug": "none"},
    "tone": {"label": "neutral"},
}


@pytest.fixture
def lena(db: None) -> User:
    return user("lena-lead", Role.LEAD)


@pytest.fixture
def asked(conversation: Conversation) -> Message:
    Article.objects.create(slug="change-pin", title="How do I change my PIN?", body="At a machine.")
    Article.objects.create(slug="draft", title="Sending money home", body="How.", published=False)
    analysis = {
        "entities": [
            {"text": "Anna Berg", "label": "PER", "score": 0.9, "start": 0},
            {"text": "Oslo", "label": "ORG", "score": 0.6},  # as it was kept before places were
        ],
        "tagger": "ner-1",
        "encoder": "support_encoder-1",
    }
    message = Message.objects.create(
        conversation=conversation, seq=1, author="visitor", text=TEXT, analysis=analysis
    )
    Message.objects.create(
        conversation=conversation,
        seq=2,
        author="bot",
        text="At a machine.",
        citations=[{"slug": "change-pin", "title": "How do I change my PIN?", "url": "/"}],
        analysis={"answers": 1},
    )
    return message


def which(asked: Message, operator: User) -> dict[str, Any]:
    return {"conversation_id": asked.conversation_id, "seq": asked.seq, "operator": operator}


def spans(*given: tuple[int, int, str]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in given]


def mark(asked: Message, operator: User, *given: tuple[int, int, str]) -> LabelledExample:
    found = entity_corrections.entities_correct(spans=spans(*given), **which(asked, operator))
    assert found.said.given is not None
    return found.said.given


def here(asked: Message, name: str) -> str:
    return f"/api/v1/support/conversations/{asked.conversation_id}/messages/1/{name}/"


def panel(asked: Message, name: str) -> str:
    return f"/support/c/{asked.conversation_id}/messages/1/{name}/"


def test_entities_say_all_that_is_known_and_teach_the_tagger(asked: Message, olivia: User) -> None:
    example = mark(asked, olivia, PER, (24, 26, "LOC"))
    assert (example.task, example.text, example.actor) == ("ner", TEXT, olivia)
    assert example.spans == [list(PER), list(LOC)]  # widened to the whole word
    assert example.old_spans == [list(PER), [23, 27, "ORG"]]
    assert (example.old_label, example.new_label) == ("ORG, PER", "LOC, PER")
    assert (example.confidence, example.model_version) == (0.6, "ner-1")
    assert example.provenance == {"conversation": str(asked.conversation_id), "message": 1}
    assert not example.confirms
    (row,) = corrections_of("ner", "ner")
    assert [*zip(row.tokens, row.tags, strict=True)][:2] == [("Anna", "B-PER"), ("Berg", "I-PER")]
    assert dict(zip(row.tokens, row.tags, strict=True))["Oslo"] == "B-LOC"
    assert row.group == f"support:{asked.conversation_id}"
    assert corrections_of("ner") == []  # it says no label of a whole text


def test_no_entity_at_all_is_an_answer_and_a_wrong_one_is_refused(
    asked: Message, olivia: User
) -> None:
    assert mark(asked, olivia).new_label == "none"
    for bad in ([(0, 9, "DOG")], [(0, 9, "PER"), (5, 9, "LOC")], [(0, 999, "PER")]):
        with pytest.raises(InvalidInput):
            mark(asked, olivia, *bad)
    assert LabelledExample.objects.get().spans == []


def test_an_article_is_chosen_or_none_and_gives_pairs(
    asked: Message, olivia: User, tmp_path: Path
) -> None:
    said = article_corrections.article_correct(slug="draft", **which(asked, olivia)).said.given
    assert said is not None
    assert (said.task, said.old_label, said.new_label) == ("support_encoder", "change-pin", "draft")
    assert said.model_version == "support_encoder-1"
    rows = [*article_corrections.questions_with_articles(operator=olivia)]
    assert rows == [{"text": TEXT, "article_ids": ["draft"]}]
    file = tmp_path / "pairs.jsonl"
    pairs = [*article_corrections.question_pairs(operator=olivia)]
    file.write_text("\n".join(json.dumps(row) for row in pairs), encoding="utf-8")
    assert [row.positive for row in read_pairs(file)] == ["Sending money home\nHow."]
    (row,) = corrections_of("support_encoder", "embedding")
    assert (row.text, row.positive) == (TEXT, "Sending money home\nHow.")
    assert row.negative == "How do I change my PIN?\nAt a machine."  # which the bot had cited
    article_corrections.article_correct(slug="none", **which(asked, olivia))
    assert corrections_of("support_encoder", "embedding") == []  # nothing that would be right
    assert [*article_corrections.questions_with_articles(operator=olivia)] == []
    with pytest.raises(InvalidInput):
        article_corrections.article_correct(slug="no-such", **which(asked, olivia))


def test_a_tone_keeps_what_was_heard(asked: Message, olivia: User) -> None:
    found = tone_corrections.tone_correct(label="neutral", **which(asked, olivia))
    assert found.heard == tone_of(TEXT)
    assert found.said.given is not None
    assert (found.said.given.old_label, found.said.given.new_label) == ("negative", "neutral")
    with pytest.raises(InvalidInput):
        tone_corrections.tone_correct(label="sad", **which(asked, olivia))


@pytest.mark.parametrize("name", NAMES)
def test_each_endpoint_reads_says_and_takes_back(asked: Message, olivia: User, name: str) -> None:
    client = client_of(olivia)
    before = client.get(here(asked, name)).json()
    said = client.put(here(asked, name), ANSWERS[name], content_type="application/json")
    assert said.status_code == 200
    assert said.json() != before
    assert client.put(here(asked, name), {}, content_type="application/json").status_code == 400
    assert client.delete(here(asked, name)).json() == before
    assert client.delete(here(asked, name)).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_who_may_not_see_the_message_corrects_nothing(
    asked: Message, olivia: User, mei: User, name: str
) -> None:
    for path in (here(asked, name), panel(asked, name)):
        assert client_of(mei).get(path).status_code == 403
        assert Client().get(path).status_code in (302, 401)
    team = Team.objects.create(name="Fraud", private=True)
    Conversation.objects.filter(pk=asked.conversation_id).update(team=team)
    for path in (here(asked, name), panel(asked, name)):
        assert client_of(olivia).get(path).status_code == 404
    client = client_of(olivia)
    refused = client.put(here(asked, name), ANSWERS[name], content_type="application/json")
    assert refused.status_code == 404
    assert not LabelledExample.objects.exists()


def test_the_panel_marks_and_unmarks_names(asked: Message, olivia: User) -> None:
    client, path = client_of(olivia), panel(asked, "entities")
    assert "Oslo · organisation" in client.get(path).content.decode()
    without = client.post(path, {"without": "23"}).content.decode()
    assert "Oslo · " not in without
    assert "Anna Berg · person" in without
    marked = client.post(path, {"spans": json.dumps(spans(PER, LOC))}).content.decode()
    assert "Oslo · place" in marked
    assert "cannot be read" in client.post(path, {"spans": "?"}).content.decode()
    assert "Oslo · organisation" in client.post(path, {"undo": "1"}).content.decode()


def test_the_panel_finds_an_article_and_tells_the_tone(asked: Message, olivia: User) -> None:
    client, path = client_of(olivia), panel(asked, "article")
    assert "Sending money home" in client.get(path, {"q": "money"}).content.decode()
    assert "No article fits" in client.get(path, {"q": "zebra"}).content.decode()
    assert "Sending money home" in client.post(path, {"slug": "draft"}).content.decode()
    assert "no article answers" in client.post(path, {"slug": "none"}).content.decode()
    assert "There is no article" in client.post(path, {"slug": "zebra"}).content.decode()
    assert "“ridiculous”" in client.get(panel(asked, "tone")).content.decode()
    assert "as you said" in client.post(panel(asked, "tone"), ANSWERS["tone"]).content.decode()


def test_disagreement_teaches_nothing_until_a_lead_has_decided(
    asked: Message, olivia: User, omar: User, lena: User
) -> None:
    mark(asked, olivia, PER, LOC)
    mark(asked, omar, PER)
    assert corrections_of("ner", "ner") == []
    assert client_of(olivia).get(here(asked, "entities")).json()["disputed"] is True
    assert "you disagree" in client_of(omar).get(panel(asked, "entities")).content.decode()
    page = client_of(lena).get("/models/examples/disputes/").content.decode()
    assert "to be decided" in page
    assert "names in the text" in page
    assert "The model" in page
    assert "this holds" not in page
    subject = f"support.message.{asked.pk}"
    side = LabelledExample.objects.get(actor=olivia).pk
    client_of(lena).post(
        "/models/examples/disputes/", {"task": "ner", "subject": subject, "side": side}
    )
    page = client_of(lena).get("/models/examples/disputes/").content.decode()
    assert "to be decided" not in page
    assert page.count("this holds") == 1
    (row,) = corrections_of("ner", "ner")
    assert "B-LOC" in row.tags
    assert client_of(olivia).get(here(asked, "entities")).json()["disputed"] is False
    dispute_decide(task="ner", subject=subject, actor=lena, spans=[PER])
    (row,) = corrections_of("ner", "ner")
    assert "B-LOC" not in row.tags
    assert LabelledExample.objects.filter(decides=True).count() == 1


def test_who_agrees_disputes_nothing(asked: Message, olivia: User, omar: User, lena: User) -> None:
    mark(asked, olivia, PER)
    mark(asked, omar, PER)
    assert dispute_list() == []
    assert len(corrections_of("ner", "ner")) == 2
    with pytest.raises(NotFound):
        dispute_decide(task="ner", subject=f"support.message.{asked.pk}", actor=lena, spans=[])


def test_the_dispute_api_is_for_leads_and_hides_private_texts(
    asked: Message, olivia: User, omar: User, lena: User
) -> None:
    path = "/api/v1/models/examples/disputes/"
    for operator, label in ((olivia, "neutral"), (omar, "positive")):
        tone_corrections.tone_correct(label=label, **which(asked, operator))
    assert client_of(olivia).get(path).status_code == 403
    (found,) = client_of(lena).get(path).json()
    assert [one["label"] for one in found["said"]] == ["neutral", "positive"]
    verdict = {"task": "tone", "subject": found["subject"], "label": "neutral"}
    decided = client_of(lena).put(path, verdict, content_type="application/json")
    assert decided.json()["verdict"]["label"] == "neutral"
    assert [one.label for one in corrections_of("tone")] == ["neutral"]
    team = Team.objects.create(name="Fraud", private=True)
    Conversation.objects.filter(pk=asked.conversation_id).update(team=team)
    assert client_of(lena).get(path).json() == []
    again = client_of(lena).put(path, verdict, content_type="application/json")
    assert again.status_code == 404


def test_what_is_agreed_on_articles_is_a_file(asked: Message, olivia: User, mei: User) -> None:
    path = "/api/v1/support/corrections/articles/export/"
    article_corrections.article_correct(slug="change-pin", **which(asked, olivia))
    content = b"".join(client_of(olivia).get(path)).decode()
    assert json.loads(content) == {"text": TEXT, "article_ids": ["change-pin"]}
    assert client_of(olivia).get(path, {"form": "x"}).status_code == 422
    assert client_of(mei).get(path).status_code == 403
