"""Search over conversations, filters of the list, and views that an operator keeps."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from apps.accounts.models import Role, User
from apps.core.errors import InvalidInput
from apps.support import selectors, services
from apps.support.models import Conversation
from apps.support.selectors import Filters
from tests.support.conftest import client_of, user

pytestmark = pytest.mark.django_db
API = "/api/v1/support"
JSON: Any = {"content_type": "application/json"}


def saying(*texts: str, name: str = "") -> Conversation:
    conversation = services.conversation_start(visitor=uuid.uuid4(), name=name)
    for number, text in enumerate(texts):
        services.message_receive(conversation_id=conversation.id, text=text, client_id=str(number))
    return conversation


def found(operator: User, **given: Any) -> set[Any]:
    rows = selectors.conversation_list(operator=operator, filters=Filters.of(given))
    return {row.id for row in rows}


def test_words_are_found_wherever_they_stand(olivia: User) -> None:
    first = saying("my Card was swallowed", "in Porto", name="Vera")
    second = saying("a card in Lima")
    services.note_add(
        conversation_id=second.id, operator=olivia, text="calls from Porto", client_id="n"
    )
    assert found(olivia, q="porto card") == {first.id, second.id}
    assert found(olivia, q="swallowed PORTO") == {first.id}
    assert found(olivia, q="vera") == {first.id}
    assert found(olivia, q="100%") == set()
    assert found(olivia, q="  ") == {first.id, second.id}


def test_team_tag_and_priority(olivia: User) -> None:
    lead = user("lena-lead", Role.LEAD)
    team = services.team_save(team_id=None, actor=lead, name="Cards")
    row, other = saying("one"), saying("two")
    act = {"operator": olivia, "conversation_id": row.id}
    services.conversation_sort(**act, tags=["card"], priority=1)
    services.conversation_transfer(**act, team_id=team.pk, client_id="t")
    services.conversation_sort(conversation_id=other.id, operator=olivia, tags=["cards"])
    for given in ({"tag": "Card"}, {"priority": "1"}, {"team": str(team.pk)}):
        assert found(olivia, **given) == {row.id}, given
    with pytest.raises(InvalidInput, match="priority"):
        Filters.of({"priority": "high"})


def test_search_never_finds_what_is_out_of_sight(olivia: User, omar: User) -> None:
    lead = user("lena-lead", Role.LEAD)
    team = services.team_save(
        team_id=None, actor=lead, name="Fraud", private=True, member_ids=[omar.pk]
    )
    row = saying("used in Lima")
    services.conversation_transfer(
        conversation_id=row.id, operator=olivia, team_id=team.pk, client_id="t"
    )
    assert found(omar, q="lima") == {row.id}
    assert found(olivia, q="lima") == set()
    answer = client_of(olivia).get(f"{API}/conversations/?q=lima").json()
    assert answer["results"] == []


def test_an_operators_own_views(olivia: User, omar: User, mei: User) -> None:
    client = client_of(olivia)
    body = {"name": " Urgent  cards ", "tab": "all", "filters": {"priority": 1, "q": "card"}}
    made = client.post(f"{API}/views/", body, **JSON)
    assert made.status_code == 201
    assert made.json()["query"] == "tab=all&q=card&priority=1"
    again = client.post(f"{API}/views/", body | {"filters": {"priority": 2}}, **JSON)
    assert again.json()["id"] == made.json()["id"]
    page = client.get("/support/?tab=all&priority=2").content.decode()
    assert "Urgent cards" in page
    assert "Urgent cards" not in client_of(omar).get("/support/").content.decode()
    url = f"{API}/views/{made.json()['id']}/"
    assert client_of(omar).delete(url).status_code == 404
    assert client_of(mei).get(f"{API}/views/").status_code == 403
    for wrong in ({"filters": {}}, {"tab": "x"}, {"name": "x" * 41}, {"filters": {"team": "x"}}):
        assert client.post(f"{API}/views/", body | wrong, **JSON).status_code in (400, 422), wrong
    assert client.delete(url).status_code == 204
    assert client.get(f"{API}/views/").json() == []


def test_a_wrong_filter_is_an_error_and_an_empty_result_says_so(olivia: User) -> None:
    client = client_of(olivia)
    assert client.get("/support/?team=x").status_code == 422
    assert client.get(f"{API}/conversations/?team=x").status_code == 422
    page = client.get("/support/?tab=all&q=nowhere").content.decode()
    assert "Nothing fits" in page
