"""Flows in the console and by the API: for team leads alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import AuditEntry, User
from apps.core.errors import Conflict, InvalidInput
from apps.support import services
from apps.support.models import FlowVersion, ServiceCase
from tests.support.conftest import client_of
from tests.support.flows.conftest import PIN, Ship

pytestmark = pytest.mark.django_db
PAGE, API = "/support/flows/", "/api/v1/support/flows/"
BROKEN = PIN.replace("no: kept}", "no: nowhere}")


def post(client: Client, url: str, body: Any = None) -> Any:
    return client.post(url, body, content_type="application/json")


def test_a_flow_is_written_tested_published_on_the_screen(lena: User) -> None:
    client = client_of(lena)
    client.post(f"{PAGE}new/", {"source": PIN})
    version = FlowVersion.objects.get()
    assert version.state == "draft"
    refused = client.post(f"{PAGE}f/new-pin/1/publish/", follow=True)
    assert "test it first" in refused.content.decode()
    client.post(f"{PAGE}f/new-pin/1/test/")
    client.post(f"{PAGE}f/new-pin/1/publish/")
    version.refresh_from_db()
    assert version.state == "published"
    page = client.get(f"{PAGE}f/new-pin/").content.decode()
    assert 'href="#step-kept"' in page
    assert "in the future" in page
    assert "Order a new PIN" in client.get(PAGE).content.decode()
    actions = AuditEntry.objects.filter(actor=lena).values_list("action", flat=True)
    assert sorted(actions) == ["flow.published", "flow.saved", "flow.tested"]


def test_what_is_wrong_is_listed_and_the_text_is_kept(lena: User, ship: Ship) -> None:
    ship()
    answer = client_of(lena).post(f"{PAGE}f/new-pin/edit/", {"source": BROKEN})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "there is no step &#x27;nowhere&#x27;" in page
    assert "line</b>" in page or "line 13" in page
    assert "no: nowhere" in page
    other = PIN.replace("flow: new-pin", "flow: other")
    assert client_of(lena).post(f"{PAGE}f/new-pin/edit/", {"source": other}).status_code == 422
    assert FlowVersion.objects.count() == 1


def test_a_flow_whose_tests_fail_stays_a_draft(lena: User) -> None:
    draft = services.flow_save(
        source=PIN.replace('contains: "4242"', "contains: zebra"), author=lena
    )
    tested = services.flow_test(version_id=draft.pk, actor=lena)
    assert tested.state == "draft"
    assert "do not hold 'zebra'" in tested.problems[0]
    with pytest.raises(Conflict):
        services.flow_publish(version_id=draft.pk, actor=lena)
    with pytest.raises(InvalidInput, match="zebra"):
        services.flow_ship(source=PIN.replace('contains: "4242"', "contains: zebra "), file="f")
    assert "zebra" in client_of(lena).get(f"{PAGE}f/new-pin/").content.decode()


def test_a_flow_is_tried_without_side_effects(lena: User) -> None:
    step = (
        "{id: finished, do: ledger.block_card, with: {card: '{card}'}, into: it, on_error: kept, "
    )
    step += "preview: {reference: C-4242}}\n  - {id: told, end: 'It is {it.reference}.'}\n"
    services.flow_save(
        source=PIN.replace('{id: finished, end: "It comes for {card}."}\n', step), author=lena
    )
    says = ["order a pin", "4242", "tomorrow", "yes"]
    tried = client_of(lena).post(f"{PAGE}f/new-pin/1/try/", {"says": says})
    assert "It is C-4242." in tried.content.decode()
    assert "The flow is over" in tried.content.decode()
    assert not ServiceCase.objects.exists()


def test_shipping_again_changes_nothing_and_spares_the_version_of_a_person(
    ship: Ship, lena: User
) -> None:
    first = ship()
    assert ship() == first
    draft = services.flow_save(source=PIN.replace("It stays.", "Kept."), author=lena)
    services.flow_test(version_id=draft.pk, actor=lena)
    services.flow_publish(version_id=draft.pk, actor=lena)
    assert ship() == first
    assert ship(PIN.replace("It stays.", "As before.")).state == "tested"
    draft.refresh_from_db()
    first.refresh_from_db()
    assert (draft.state, first.state) == ("published", "retired")


def test_the_api_does_what_the_screens_do(lena: User) -> None:
    client = client_of(lena)
    checked = post(client, f"{API}check/", {"source": BROKEN}).json()
    assert checked["problems"][0]["line"] == 13
    assert checked["problems"][0]["step"] == "sure"
    assert (
        post(client, f"{API}check/", {"source": PIN}).json()["flow"]["title"] == "Order a new PIN"
    )
    refused = post(client, API, {"source": BROKEN})
    assert (refused.status_code, refused.json()["code"]) == (422, "flow_invalid")
    assert post(client, API, {"source": PIN}).status_code == 201
    versions = f"{API}new-pin/versions/1/"
    assert post(client, f"{versions}publish/").status_code == 409
    assert post(client, f"{versions}test/").json()["state"] == "tested"
    assert post(client, f"{versions}publish/").json()["state"] == "published"
    assert client.get(versions).json()["source"] == PIN
    assert client.get(API).json()[0]["published"]["number"] == 1
    said = post(client, f"{API}preview/", {"source": PIN, "says": ["order a pin", "4242"]}).json()
    assert said[-1]["bot"] == "From which day?"
    assert post(client, f"{API}preview/", {"source": PIN, "says": []}).status_code == 400
    assert post(client, f"{API}new-pin/", {"enabled": False}).json()["enabled"] is False
    assert client.get(f"{API}nothing/").status_code == 404


def test_flows_are_for_leads(ship: Ship, olivia: User, mei: User) -> None:
    ship()
    pages = ["", "new/", "f/new-pin/", "f/new-pin/edit/"]
    acts = ["f/new-pin/1/test/", "f/new-pin/1/publish/", "f/new-pin/switch/", "f/new-pin/1/try/"]
    paths = ["", "check/", "preview/", "new-pin/", "new-pin/versions/1/test/"]
    for person in (olivia, mei):
        client = client_of(person)
        assert {client.get(PAGE + path).status_code for path in pages} == {403}
        assert {client.post(PAGE + path).status_code for path in acts} == {403}
        assert {post(client, API + path, {"source": PIN}).status_code for path in paths} == {403}
    assert {Client().get(PAGE + path).status_code for path in pages} == {302}
    assert {post(Client(), API + path, {}).status_code for path in paths} <= {401, 403}
    assert "Flows" not in client_of(olivia).get("/support/macros/").content.decode()
