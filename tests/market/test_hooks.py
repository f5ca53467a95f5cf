"""Webhooks that sources post to: signed or refused, idempotent, with a clear state; settings."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.signing import signed_headers
from apps.market.models import Article, Source
from apps.market.services.hooks import LARGEST, webhook_create, webhook_renew_secret
from apps.market.services.source_settings import source_update
from tests.conftest import ClientFor
from tests.market.factories import SourceFactory, store

pytestmark = pytest.mark.django_db(transaction=True)

ARTICLE = {"title": "Halvern Steel soars", "external_id": "1", "published_at": "2026-01-05T09:00"}


@pytest.fixture
def hook(analyst: User) -> tuple[Source, str]:
    return webhook_create(actor=analyst, name="Desk wire")


def send(hook: tuple[Source, str], content: Any, *, at: float | None = None, **more: str) -> Any:
    source, secret = hook
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    stamp = int(time.time() if at is None else at)
    headers = {**signed_headers(secret=secret, key="msg-1", timestamp=stamp, body=body), **more}
    path = f"/api/v1/market/hooks/{source.pk}/"
    return Client().post(path, body, content_type="application/json", headers=headers)


def test_signed_articles_are_stored_once_however_often_they_come(hook: tuple[Source, str]) -> None:
    for content in (ARTICLE, [ARTICLE], {"articles": [{**ARTICLE, "source": "Somebody else"}]}):
        answer = send(hook, content)
        assert answer.status_code == 200
    assert answer.json()["unchanged"] == 1
    article = Article.objects.get()
    assert article.source == hook[0]
    hook[0].refresh_from_db()
    assert (hook[0].state, hook[0].error) == ("healthy", "")
    assert hook[0].succeeded_at is not None


def test_what_is_not_signed_with_the_secret_is_refused_and_noted(
    hook: tuple[Source, str], analyst: User
) -> None:
    bad = [
        send((hook[0], "whsec_AAAA"), ARTICLE),
        send(hook, ARTICLE, at=time.time() - 600),
        send(hook, ARTICLE, **{"webhook-signature": ""}),
        send(hook, ARTICLE, **{"webhook-timestamp": "soon"}),
        send(hook, ARTICLE, **{"webhook-id": "msg-2"}),
    ]
    for answer in bad:
        assert (answer.status_code, answer.json()["code"]) == (403, "signature_invalid")
    assert not Article.objects.exists()
    hook[0].refresh_from_db()
    assert (hook[0].state, hook[0].error_code) == ("new", "signature_invalid")
    renewed = webhook_renew_secret(actor=analyst, source_id=hook[0].pk)
    assert send(hook, ARTICLE).status_code == 403
    assert send(renewed, ARTICLE).status_code == 200
    old = send(renewed, ARTICLE, **{"webhook-signature": _both(hook, renewed)})
    assert old.status_code == 200


def _both(*hooks: tuple[Source, str]) -> str:
    """The signatures of a sender that is changing its secret."""
    body, now = json.dumps(ARTICLE).encode(), int(time.time())
    signed = [
        signed_headers(secret=secret, key="msg-1", timestamp=now, body=body) for _, secret in hooks
    ]
    return " ".join(one["webhook-signature"] for one in signed)


def test_nonsense_is_told_and_stores_nothing(hook: tuple[Source, str], analyst: User) -> None:
    assert send(hook, b"<html>").json()["code"] == "not_json"
    hook[0].refresh_from_db()
    assert hook[0].state == "failing"
    assert send(hook, b"[" * 100_000).json()["code"] == "not_json"
    assert send(hook, b" " * (LARGEST + 1)).json()["code"] == "body_too_large"
    assert send(hook, []).json()["code"] == "batch_empty"
    partly = send(hook, [ARTICLE, {"title": ""}, 7])
    assert (partly.status_code, partly.json()["invalid"]) == (207, 2)
    hook[0].refresh_from_db()
    assert hook[0].error == "article 1: 'title' is empty"
    assert Client().get(f"/api/v1/market/hooks/{hook[0].pk}/").status_code == 405
    assert Client().post("/api/v1/market/hooks/999/", b"{}", "application/json").status_code == 404


def test_a_paused_webhook_takes_nothing(
    hook: tuple[Source, str], analyst: User, client_for: ClientFor
) -> None:
    path = f"/api/v1/market/sources/{hook[0].pk}/"
    client = client_for(analyst)
    assert client.patch(path, {"paused": True}, "application/json").status_code == 200
    assert send(hook, ARTICLE).json()["code"] == "source_paused"
    client.patch(path, {"paused": False}, "application/json")
    assert send(hook, ARTICLE).status_code == 200


def test_the_secret_is_shown_once_and_names_are_taken_once(
    analyst: User, member: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    page = client.post("/market/sources/webhooks/", {"name": "Desk wire"})
    assert page.status_code == 201
    assert "whsec_" in page.content.decode()
    again = client.get("/market/sources/").content.decode()
    assert "whsec_" not in again
    assert "Nothing received yet" in again
    taken = client.post("/api/v1/market/webhooks/", {"name": "Desk wire"}, "application/json")
    assert taken.status_code == 409
    with pytest.raises(Conflict):
        webhook_create(actor=analyst, name=" Desk  wire ")
    with pytest.raises(InvalidInput):
        webhook_create(actor=analyst, name=" ")
    for refused in (
        lambda: webhook_create(actor=member, name="x"),
        lambda: webhook_renew_secret(actor=member, source_id=1),
    ):
        with pytest.raises(NotAllowed):
            refused()
    with pytest.raises(NotFound):
        webhook_renew_secret(actor=analyst, source_id=999)


def test_times_without_a_zone_are_of_the_sources_zone(hook: tuple[Source, str]) -> None:
    Source.objects.filter(id=hook[0].pk).update(time_zone="America/New_York")
    send(hook, ARTICLE)
    assert Article.objects.get().published_at.isoformat() == "2026-01-05T14:00:00+00:00"


def test_settings_are_checked_one_by_one(
    analyst: User, member: User, client_for: ClientFor
) -> None:
    source = SourceFactory(name="Wire")
    client = client_for(analyst)
    path = f"/api/v1/market/sources/{source.pk}/"
    good = {"weight": 0.5, "licence": "CC BY", "language": "de", "time_zone": "Europe/Berlin"}
    assert client.patch(path, good, "application/json").json()["weight"] == 0.5
    bad = {"weight": 9, "language": "German", "time_zone": "Mars", "interval_seconds": 1}
    answer = client.patch(path, bad, "application/json")
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == set(bad)
    form = {"weight": "2", "licence": "", "language": "en", "time_zone": "UTC"}
    client.post(f"/market/sources/{source.pk}/settings/", form)
    source.refresh_from_db()
    assert (source.weight, source.licence) == (2.0, "")
    client.post(f"/market/sources/{source.pk}/settings/", {"weight": "heavy"})
    source.refresh_from_db()
    assert source.weight == 2.0
    with pytest.raises(NotAllowed):
        source_update(actor=member, source=source, weight=1.0)
    assert store() == []
