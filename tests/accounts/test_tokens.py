from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from knox.models import AuthToken

from apps.accounts import services
from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput, NotAllowed
from tests.conftest import ClientFor

pytestmark = pytest.mark.django_db
TOKENS = "/api/v1/accounts/tokens/"
ME = "/api/v1/accounts/me/"


def create(client: Client, **body: Any) -> Any:
    return client.post(TOKENS, {"name": "laptop", **body}, content_type="application/json")


def with_token(secret: str) -> Any:
    return Client().get(ME, headers={"authorization": f"Token {secret}"})


def test_a_secret_is_shown_once_and_stored_as_a_hash(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    created = create(client, days=30)
    assert created.status_code == 201
    secret = created.json()["secret"]
    assert with_token(secret).json()["username"] == member.username
    listed = client.get(TOKENS)
    assert "secret" not in listed.json()[0]
    assert secret not in listed.content.decode()
    stored = AuthToken.objects.get()
    assert secret not in (stored.digest, stored.token_key)
    assert secret not in str(list(AuditEntry.objects.values()))


def test_the_page_shows_a_new_secret_once(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    created = client.post("/accounts/", {"name": "laptop", "days": 90})
    secret = created.context["secret"]
    assert secret in created.content.decode()
    assert secret not in client.get("/accounts/").content.decode()
    assert with_token(secret).status_code == 200


@pytest.mark.parametrize("body", [{"name": ""}, {"days": 0}, {"days": 3651}, {"days": "many"}])
def test_a_token_that_cannot_be_is_refused(
    member: User, client_for: ClientFor, body: dict[str, Any]
) -> None:
    response = create(client_for(member), **body)
    assert response.status_code == 400
    assert set(response.json()["fields"]) == set(body)
    assert not AuthToken.objects.exists()


def test_the_service_refuses_a_token_that_lives_too_long(member: User) -> None:
    with pytest.raises(InvalidInput):
        services.token_create(user=member, name="laptop", days=4000)


def test_a_revoked_token_opens_nothing(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    token, secret = services.token_create(user=member, name="laptop")
    assert client.delete(f"{TOKENS}{token.pk}/").status_code == 204
    assert with_token(secret).status_code == 401
    assert client.delete(f"{TOKENS}{token.pk}/").status_code == 404


def test_only_the_owner_and_administrators_revoke(
    member: User, operator: User, administrator: User, client_for: ClientFor
) -> None:
    token, secret = services.token_create(user=member, name="laptop")
    other = client_for(operator)
    assert other.delete(f"{TOKENS}{token.pk}/").status_code == 404
    assert other.post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 403
    with pytest.raises(NotAllowed):
        services.token_revoke(actor=operator, token=token)
    assert with_token(secret).status_code == 200
    url = f"/accounts/tokens/{token.pk}/revoke/"
    assert client_for(administrator).post(url).status_code == 302
    assert with_token(secret).status_code == 401


def test_one_sees_ones_own_tokens_only(member: User, operator: User, client_for: ClientFor) -> None:
    services.token_create(user=member, name="laptop")
    assert client_for(operator).get(TOKENS).json() == []


def test_creating_and_revoking_is_recorded(member: User) -> None:
    token, _ = services.token_create(user=member, name="laptop")
    digest = token.pk[:12]
    services.token_revoke(actor=member, token=token)
    entries = AuditEntry.objects.order_by("id").values_list("actor", "action", "object_id")
    assert list(entries) == [
        (member.pk, "token.created", digest),
        (member.pk, "token.revoked", digest),
    ]


def test_a_token_of_a_blocked_person_opens_nothing(member: User) -> None:
    _, secret = services.token_create(user=member, name="laptop")
    User.objects.update(is_active=False)
    assert with_token(secret).status_code == 401


def test_audit_entries_cannot_be_changed_in_the_admin(
    administrator: User, client_for: ClientFor
) -> None:
    entry = services.audit_record(actor=administrator, action="thing.done")
    client = client_for(administrator)
    url = f"/admin/accounts/auditentry/{entry.pk}/change/"
    assert client.get(url).status_code == 200
    assert client.post(url, {"action": "nothing.done"}).status_code == 403
    assert client.get("/admin/accounts/auditentry/add/").status_code == 403
