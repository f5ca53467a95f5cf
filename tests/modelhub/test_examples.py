"""Corrections through the door: replaced, undone, discarded; team leads see them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput, NotFound
from apps.modelhub.models import LabelledExample
from apps.modelhub.services import (
    example_add,
    example_discard,
    example_find,
    example_labels,
    example_undo,
)
from tests.conftest import AtOnce, ClientFor

pytestmark = pytest.mark.django_db
WHICH: dict[str, Any] = {"task": "intent", "subject": "support.message.7"}
CORRECTION: dict[str, Any] = {"app": "support", "text": "where is it", **WHICH}


def test_correcting_an_object_again_replaces_ones_own(operator: User, analyst: User) -> None:
    first = example_add(**CORRECTION, new_label="card", actor=operator)
    again = example_add(**CORRECTION, new_label="rate", old_label="x", actor=operator)
    example_add(**CORRECTION, new_label="card", actor=analyst)
    assert again.pk == first.pk
    assert example_find(**WHICH, actor=operator) == again
    assert LabelledExample.objects.count() == 2
    assert example_labels(task="intent") == ["card", "rate"]
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["example.added", "example.changed", "example.added"]


def test_labels_that_look_the_same_are_one() -> None:
    for label in ("caf\u00e9", "cafe\u0301 ", "caf\u00e9\u200b"):
        example_add(**CORRECTION | {"subject": ""}, new_label=label)
    assert example_labels(task="intent") == ["caf\u00e9"]
    with pytest.raises(InvalidInput):
        example_add(**CORRECTION, new_label="\u200b")


def test_without_a_subject_each_is_an_example(operator: User) -> None:
    for _ in range(2):
        example_add(**CORRECTION | {"subject": ""}, new_label="card", actor=operator)
    assert LabelledExample.objects.count() == 2


def test_one_takes_back_ones_own_and_no_other(operator: User, analyst: User) -> None:
    example_add(**CORRECTION, new_label="card", actor=operator)
    with pytest.raises(NotFound):
        example_undo(**WHICH, actor=analyst)
    example_undo(**WHICH, actor=operator)
    assert not LabelledExample.objects.exists()
    assert AuditEntry.objects.order_by("-id").first().action == "example.removed"


@pytest.mark.django_db(transaction=True)
def test_two_windows_that_correct_at_once_make_one_example(operator: User, at_once: AtOnce) -> None:
    def correct(label: str) -> LabelledExample:
        return example_add(**CORRECTION, new_label=label, actor=operator)

    results = at_once(*[lambda label=label: correct(label) for label in ("a", "b", "c")])
    assert all(isinstance(one, LabelledExample) for one in results), results
    assert LabelledExample.objects.count() == 1


def test_a_lead_sees_examples_and_discards_one(
    lead: User, operator: User, client_for: ClientFor
) -> None:
    example = example_add(**CORRECTION, new_label="card", actor=operator)
    client = client_for(lead)
    assert "where is it" in client.get("/models/examples/").content.decode()
    refused = client_for(operator).post(f"/models/examples/{example.pk}/discard/")
    assert refused.status_code == 403
    client.post(f"/models/examples/{example.pk}/discard/")
    assert not LabelledExample.objects.exists()
    assert client.delete("/api/v1/models/examples/99/").status_code == 404
    assert client_for(operator).delete("/api/v1/models/examples/99/").status_code == 403
    with pytest.raises(NotFound):
        example_discard(example_id=99, actor=lead)


def test_a_lead_does_what_operators_and_analysts_do(lead: User, client_for: ClientFor) -> None:
    client = client_for(lead)
    for path in ("/support/", "/market/", "/models/", "/models/runs/", "/models/history/"):
        assert client.get(path).status_code == 200, path
    assert lead.has_perm("modelhub.promote")
    assert not lead.has_perm("modelhub.override_gate")
    assert not lead.is_administrator
