from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.market.models import Company, Delivery, Digest
from apps.market.services.channels import channel_create, channel_switch
from apps.market.services.digests import (
    SETTLED,
    digest_create,
    digest_delete,
    digests_make,
    next_time,
)
from tests.conftest import ClientFor
from tests.market.factories import AlertFactory
from tests.market.receivers import Receiver, webhook

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/market"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def over(digest: Digest) -> None:
    """Let the digest's present period be over."""
    Digest.objects.filter(id=digest.pk).update(next_at=timezone.now() - SETTLED)


@pytest.fixture
def digest(analyst: User, receiver: Receiver) -> Digest:
    return digest_create(actor=analyst, channel_id=webhook(analyst, receiver).pk, every="hour")


def raise_alerts(owner: User, *, minutes_ago: float, number: int = 1, **more: object) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    AlertFactory.create_batch(number, owner=owner, created_at=at, **more)


@pytest.mark.parametrize(
    ("every", "after", "expected"),
    [
        ("hour", "2026-07-01T10:20", "2026-07-01T11:00"),
        ("hour", "2026-07-01T10:00", "2026-07-01T11:00"),
        ("day", "2026-07-01T05:59", "2026-07-01T06:00"),  # 08:00 in Berlin
        ("day", "2026-07-01T06:00", "2026-07-02T06:00"),
        ("day", "2026-10-24T06:30", "2026-10-25T07:00"),  # after the clocks have changed
    ],
)
def test_when_a_digest_ends(every: str, after: str, expected: str) -> None:
    digest = Digest(every=every, hour=8, time_zone="Europe/Berlin")
    assert next_time(digest, utc(after)) == utc(expected)


def test_a_digest_tells_each_alert_once_company_by_company(
    analyst: User, halvern: Company, skyrill: Company, digest: Digest, receiver: Receiver
) -> None:
    Digest.objects.update(covered_until=timezone.now() - timedelta(minutes=30))
    raise_alerts(analyst, minutes_ago=10, company=skyrill)
    raise_alerts(analyst, minutes_ago=10, number=2, company=halvern, quiet="digest")
    raise_alerts(analyst, minutes_ago=10, company=halvern, quiet="silenced")
    raise_alerts(analyst, minutes_ago=40, company=halvern)  # of the period before
    assert digests_make() == 0  # its hour is not over
    over(digest)
    assert (digests_make(), digests_make()) == (1, 0)
    body = receiver.json()
    assert body["type"] == "alert.digest"
    groups = [(group["name"], len(group["alerts"])) for group in body["data"]["companies"]]
    assert groups == [("HALV Halvern Steel", 2), ("SKYL Skyrill Airlines", 1)]
    assert "/market/articles/" in body["data"]["companies"][0]["alerts"][0]["url"]
    over(digest)
    assert digests_make() == 0
    assert len(receiver.bodies) == 1


def test_nothing_is_sent_when_there_is_nothing_to_tell(
    analyst: User, colleague: User, digest: Digest
) -> None:
    Digest.objects.update(covered_until=timezone.now() - timedelta(minutes=30))
    raise_alerts(colleague, minutes_ago=10)
    over(digest)
    assert digests_make() == 0
    assert not Delivery.objects.exists()
    digest.refresh_from_db()
    assert digest.next_at > timezone.now() - SETTLED  # at the hour the next is over, too


def test_a_digest_makes_good_what_the_server_slept_through(
    analyst: User, digest: Digest, receiver: Receiver
) -> None:
    hours = timedelta(hours=1)
    now = timezone.now()
    Digest.objects.update(covered_until=now - 6 * hours, next_at=now - 5 * hours)
    raise_alerts(analyst, minutes_ago=330)
    raise_alerts(analyst, minutes_ago=150)
    assert digests_make() == 1
    assert len(receiver.json()["data"]["companies"][0]["alerts"]) == 2


def test_a_digest_is_mailed(analyst: User, halvern: Company) -> None:
    analyst.email = "anna@desk.example"
    analyst.save()
    channel, _ = channel_create(actor=analyst, name="me", kind="email", address=analyst.email)
    digest = digest_create(actor=analyst, channel_id=channel.pk, every="day", hour=7)
    Digest.objects.update(covered_until=timezone.now() - timedelta(hours=1))
    raise_alerts(analyst, minutes_ago=10, number=25, company=halvern)
    over(digest)
    digests_make()
    [letter] = mail.outbox
    assert letter.subject.startswith("25 alerts from ")
    assert "HALV Halvern Steel (25)" in letter.body
    assert "and 5 more" in letter.body
    channel_switch(actor=analyst, channel_id=channel.pk, enabled=False)
    raise_alerts(analyst, minutes_ago=-1)
    Digest.objects.update(next_at=timezone.now() - SETTLED)
    assert digests_make() == 0


def test_digests_are_their_owners_alone(
    analyst: User, colleague: User, member: User, digest: Digest, client_for: ClientFor
) -> None:
    body = {"channel": digest.channel_id, "every": "day"}
    answer = client_for(colleague).post(f"{API}/digests/", body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client_for(colleague).delete(f"{API}/digests/{digest.pk}/").status_code == 404
    assert client_for(colleague).get(f"{API}/digests/").json()["results"] == []
    assert client_for(member).get(f"{API}/digests/").status_code == 403
    with pytest.raises(NotFound):
        digest_delete(actor=colleague, digest_id=digest.pk)
    with pytest.raises(Conflict):
        digest_create(actor=analyst, channel_id=digest.channel_id, every="day")


@pytest.mark.parametrize("off", [{"every": "year"}, {"hour": 24}, {"time_zone": "Moon"}])
def test_an_unusable_digest_names_its_field(
    analyst: User, receiver: Receiver, off: dict[str, object]
) -> None:
    channel = webhook(analyst, receiver)
    wanted = {"every": "day", "hour": 8, "time_zone": "UTC", **off}
    with pytest.raises(InvalidInput) as caught:
        digest_create(actor=analyst, channel_id=channel.pk, **wanted)  # type: ignore[arg-type]
    assert list(caught.value.fields) == list(off)


def test_digests_are_kept_on_the_page_and_in_the_api(
    analyst: User, receiver: Receiver, client_for: ClientFor
) -> None:
    channel = webhook(analyst, receiver)
    client = client_for(analyst)
    form = {"channel": channel.pk, "every": "day", "hour": "8", "time_zone": "Asia/Tokyo"}
    refused = client.post("/market/delivery/digests/", {**form, "time_zone": "Moon"})
    assert refused.status_code == 422
    assert client.post("/market/delivery/digests/", form).status_code == 302
    assert "at 08:00 Asia/Tokyo" in client.get("/market/delivery/").content.decode()
    [listed] = client.get(f"{API}/digests/").json()["results"]
    assert (listed["channel"], listed["every"], listed["hour"]) == (channel.pk, "day", 8)
    client.post(f"/market/delivery/digests/{listed['id']}/end/")
    assert not Digest.objects.exists()
    body = {"channel": channel.pk, "every": "hour"}
    made = client.post(f"{API}/digests/", body, "application/json")
    assert made.status_code == 201
    assert client.delete(f"{API}/digests/{made.json()['id']}/").status_code == 204
