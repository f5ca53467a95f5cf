from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Role, User
from apps.accounts.services import DEMO_USERS, demo_users_load
from apps.core.jobs import NoProgress
from tests.conftest import PASSWORD, ClientFor

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/sign-in/"
SIGN_UP = "/accounts/sign-up/"


@pytest.fixture(autouse=True)
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The minute of the rate limit does not end while a test counts in it."""
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: 1_000_000_000))


def sign_in(client: Client, user: User, password: str = PASSWORD, **more: str) -> Any:
    return client.post(SIGN_IN, {"username": user.username, "password": password, **more})


def test_each_role_lands_where_it_works(
    client: Client, member: User, operator: User, analyst: User, administrator: User
) -> None:
    for user, page in [
        (member, "recommend:home"),
        (operator, "support:console"),
        (analyst, "market:monitor"),
        (administrator, "modelhub:models"),
    ]:
        assert sign_in(client, user).headers["Location"] == reverse(page)


def test_a_wrong_password_says_so_and_signs_nobody_in(client: Client, member: User) -> None:
    response = sign_in(client, member, "wrong")
    assert response.status_code == 200
    assert not response.wsgi_request.user.is_authenticated


def test_the_eleventh_attempt_in_a_minute_is_refused(client: Client, member: User) -> None:
    for _ in range(10):
        assert sign_in(client, member, "wrong").status_code == 200
    assert sign_in(client, member).status_code == 429
    far = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.post(SIGN_IN, {"username": "x", "password": "y"}, **far).status_code == 200


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:///evil.example", ""],
)
def test_nobody_is_sent_to_another_site(client: Client, member: User, target: str) -> None:
    response = sign_in(client, member, next=target)
    assert response.headers["Location"] == reverse("recommend:home")


def test_a_page_of_ours_is_returned_to(client: Client, member: User) -> None:
    response = sign_in(client, member, next="/accounts/?tab=tokens")
    assert response.headers["Location"] == "/accounts/?tab=tokens"


def test_demo_people_are_signed_in_with_one_click(client: Client) -> None:
    demo_users_load(NoProgress())
    demo_users_load(NoProgress())
    assert User.objects.count() == len(DEMO_USERS)
    url = "/accounts/sign-in/demo/anna/"
    assert client.get(url).status_code == 405
    assert client.post(url, {"next": "https://evil.example/"}).headers["Location"] == "/market/"
    assert client.get("/accounts/").context["user"].username == "anna"


def test_demo_sign_in_knows_the_demo_people_only(client: Client, administrator: User) -> None:
    assert client.post(f"/accounts/sign-in/demo/{administrator.username}/").status_code == 404
    assert client.post("/accounts/sign-in/demo/anna/").status_code == 404  # not loaded


def test_there_is_no_demo_sign_in_outside_demo_mode(client: Client, settings: Any) -> None:
    demo_users_load(NoProgress())
    settings.DEMO = False
    assert client.post("/accounts/sign-in/demo/admin/").status_code == 404
    assert "trefoil-demo" not in client.get(SIGN_IN).content.decode()
    assert "/demo/" not in client.get(SIGN_IN).content.decode()


def test_signing_out_ends_the_session(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    client.post("/accounts/sign-out/")
    assert client.get("/accounts/").headers["Location"].startswith(SIGN_IN)


def test_anyone_may_become_a_member_and_no_more(client: Client) -> None:
    body = {"username": "vera", "password": PASSWORD, "role": "administrator", "is_staff": "on"}
    assert client.post(SIGN_UP, body).status_code == 302
    vera = User.objects.get(username="vera")
    assert (vera.role, vera.is_staff, vera.is_superuser) == (Role.MEMBER, False, False)
    assert AuditEntry.objects.get().action == "member.registered"
    assert client.get("/accounts/").context["user"] == vera


@pytest.mark.parametrize(
    ("username", "password", "shown"),
    [
        ("vera", "12345678", "too common"),
        ("vera", "short", "too short"),
        ("vera-lindqvist", "vera-lindqvist", "too similar"),
        ("no spaces please", PASSWORD, "valid username"),
        ("   ", PASSWORD, "required"),
        ("the-member", PASSWORD, "taken"),
    ],
)
def test_a_registration_that_cannot_be_says_why(
    client: Client, member: User, username: str, password: str, shown: str
) -> None:
    response = client.post(SIGN_UP, {"username": username, "password": password})
    assert response.status_code == 200
    assert shown in response.content.decode()
    assert User.objects.count() == 1


def test_registrations_are_limited_too(client: Client) -> None:
    for _ in range(10):
        client.post(SIGN_UP, {"username": "x", "password": "y"})
    last = client.post(SIGN_UP, {"username": "vera", "password": PASSWORD})
    assert last.status_code == 429
    assert not User.objects.exists()
