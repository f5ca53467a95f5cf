"""Operators correct the matter of a customer's message: service, panel, endpoint."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotFound
from apps.modelhub.models import LabelledExample
from apps.support.models import Conversation, Message
from apps.support.services import corrections
from tests.support.conftest import client_of

pytestmark = pytest.mark.django_db

ANALYSIS = {
    "intents": [{"label": "change_pin", "score": 0.71}],
    "in_scope": True,
    "version": "20260102-0",
}


@pytest.fixture
def asked(conversation: Conversation) -> Message:
    return Message.objects.create(
        conversation=conversation,
        seq=1,
        author=Message.Author.VISITOR,
        text="Can we share one account? My card is [card].",
        analysis=ANALYSIS,
    )


def correct(asked: Message, operator: User, label: str) -> LabelledExample:
    found = corrections.intent_correct(
        conversation_id=asked.conversation_id, seq=asked.seq, operator=operator, label=label
    )
    assert found.given is not None
    return found.given


def test_a_correction_says_all_that_is_known(asked: Message, olivia: User) -> None:
    example = correct(asked, olivia, "card_arrival")
    assert (example.app, example.task) == ("support", "intent")
    assert example.text == asked.text
    assert (example.old_label, example.new_label) == ("change_pin", "card_arrival")
    assert (example.confidence, example.model_version) == (0.71, "20260102-0")
    assert example.actor == olivia
    assert example.provenance == {"conversation": str(asked.conversation_id), "message": 1}


def test_correcting_again_replaces_and_another_operator_has_an_own_say(
    asked: Message, olivia: User, omar: User
) -> None:
    correct(asked, olivia, "card_arrival")
    correct(asked, olivia, "Joint account!")
    correct(asked, omar, "oos")
    said = {one.actor: one.new_label for one in LabelledExample.objects.all()}
    assert said == {olivia: "joint_account", omar: "oos"}


def test_a_new_matter_is_offered_from_then_on(asked: Message, olivia: User) -> None:
    correct(asked, olivia, "Joint  account")
    assert "joint_account" in corrections.intent_labels()
    assert "change_pin" in corrections.intent_labels()
    assert correct(asked, olivia, "CHANGE PIN").new_label == "change_pin"


def test_a_message_out_of_scope_had_no_matter(asked: Message, olivia: User) -> None:
    asked.analysis = ANALYSIS | {"in_scope": False}
    asked.save()
    example = correct(asked, olivia, "change_pin")
    assert (example.old_label, example.confidence) == ("oos", None)


def test_undo_takes_back_ones_own(asked: Message, olivia: User, omar: User) -> None:
    correct(asked, olivia, "card_arrival")
    which: dict[str, Any] = {"conversation_id": asked.conversation_id, "seq": 1}
    with pytest.raises(NotFound):
        corrections.intent_correction_undo(operator=omar, **which)
    corrections.intent_correction_undo(operator=olivia, **which)
    assert not LabelledExample.objects.exists()


@pytest.mark.parametrize("label", ["", " ?! ", "x" * 121])
def test_a_label_without_words_is_refused(asked: Message, olivia: User, label: str) -> None:
    with pytest.raises(InvalidInput):
        correct(asked, olivia, label)


def test_only_messages_of_the_customer_are_corrected(asked: Message, olivia: User) -> None:
    Message.objects.filter(pk=asked.pk).update(author=Message.Author.BOT)
    with pytest.raises(NotFound):
        correct(asked, olivia, "card_arrival")


def test_the_panel_offers_the_control_and_keeps_what_was_said(asked: Message, olivia: User) -> None:
    client = client_of(olivia)
    here = f"/support/c/{asked.conversation_id}/messages/1/matter/"
    panel = client.get(f"/support/c/{asked.conversation_id}/inspector/")
    assert panel.status_code == 200
    shown = client.get(here).content.decode()
    assert "Not this? Choose the matter" in shown
    assert '<option value="change pin">' in shown
    assert "joint account" in client.post(here, {"label": "joint account"}).content.decode()
    assert "none of the known" in client.post(here, {"none": "1", "label": ""}).content.decode()
    assert "Name the matter" in client.post(here, {"label": " "}).content.decode()
    assert "You said" not in client.post(here, {"undo": "1"}).content.decode()
    assert "not corrected this" in client.post(here, {"undo": "1"}).content.decode()


def test_the_endpoint_reads_says_and_takes_back(asked: Message, olivia: User) -> None:
    client = client_of(olivia)
    here = f"/api/v1/support/conversations/{asked.conversation_id}/messages/1/intent/"
    assert client.get(here).json()["label"] is None
    said = client.put(here, {"label": "oos"}, content_type="application/json")
    assert said.json()["label"] == "oos"
    assert client.put(here, {}, content_type="application/json").status_code == 400
    assert client.delete(here).json()["label"] is None
    assert client.delete(here).status_code == 404


def test_who_is_no_operator_corrects_nothing(asked: Message, mei: User) -> None:
    paths = (
        f"/support/c/{asked.conversation_id}/messages/1/matter/",
        f"/api/v1/support/conversations/{asked.conversation_id}/messages/1/intent/",
    )
    for path in paths:
        assert client_of(mei).get(path).status_code == 403, path
        assert Client().get(path).status_code in (302, 401), path
    assert client_of(mei).post(paths[0], {"label": "oos"}).status_code == 403
    refused = client_of(mei).put(paths[1], {"label": "oos"}, content_type="application/json")
    assert refused.status_code == 403
    assert not LabelledExample.objects.exists()


def test_an_unknown_conversation_is_not_found(olivia: User) -> None:
    here = f"/support/c/{uuid.uuid4()}/messages/1/matter/"
    assert client_of(olivia).get(here).status_code == 404
