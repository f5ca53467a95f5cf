"""Layouts are their owner's, are checked, and the pages offer the looks that can be saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market.models import Layout
from apps.market.services.layouts import MOST, VIEW, layout_delete, layout_save
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db

URL = "/api/v1/market/layouts/"


def saved(actor: User, **more: Any) -> Layout:
    wanted = {"name": "Steel", "path": "/market/?company=HALV", "view": {"clock": "utc"}, **more}
    return layout_save(actor=actor, **wanted)


def test_a_layout_is_saved_once_by_name_and_read_by_its_owner_alone(
    analyst: User, colleague: User, client_for: ClientFor
) -> None:
    saved(analyst)
    body = {"name": " Steel ", "path": "/market/review/", "view": {"scheme": "chinese"}}
    answer = client_for(analyst).post(URL, body, "application/json")
    assert answer.status_code == 201
    (only,) = client_for(analyst).get(URL).json()["results"]
    assert (only["path"], only["view"]) == ("/market/review/", {"scheme": "chinese"})
    assert client_for(colleague).get(URL).json() == {"results": []}
    assert client_for(colleague).delete(f"{URL}{only['id']}/").status_code == 404
    with pytest.raises(NotFound):
        layout_delete(actor=colleague, layout_id=only["id"])
    assert client_for(analyst).delete(f"{URL}{only['id']}/").status_code == 204
    assert not Layout.objects.exists()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"name": " "}, "name"),
        ({"path": "https://elsewhere.example/"}, "path"),
        ({"path": "//elsewhere.example/market/"}, "path"),
        ({"view": {"scheme": "pink"}}, "view"),
        ({"view": {"odd": ""}}, "view"),
    ],
)
def test_what_is_off_is_named(analyst: User, more: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as told:
        saved(analyst, **more)
    assert set(told.value.fields) == {field}


def test_there_is_an_end_and_others_have_none(analyst: User, member: User) -> None:
    for number in range(MOST):
        saved(analyst, name=f"Layout {number}")
    with pytest.raises(InvalidInput, match="delete one first"):
        saved(analyst)
    saved(analyst, name="Layout 1", path="/market/alerts/")
    with pytest.raises(NotAllowed):
        saved(member)


def test_the_pages_offer_every_look(analyst: User, client_for: ClientFor) -> None:
    client: Client = client_for(analyst)
    page = client.get("/market/review/").content.decode()
    for name, values in VIEW.items():
        assert f'data-view="{name}"' in page
        for value in values:
            assert f'<option value="{value}">' in page
    assert "data-palette-open" in page
