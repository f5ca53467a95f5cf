"""Silences and hours: what keeps an alert from ringing, and what becomes of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from apps.core.models import Event
from apps.market.models import Alert, Company, Delivery, Rule, Silence
from apps.market.payloads import alert_stream
from apps.market.services.alerts import alert_acknowledge
from apps.market.services.deliveries import deliveries_send_due
from apps.market.services.handling import HandlingInput, handling_set
from apps.market.services.notifying import alerts_release
from apps.market.services.silences import SilenceInput, silence_create, silence_end
from apps.market.services.watchlists import company_watch
from tests.conftest import ClientFor
from tests.market.factories import RuleFactory, news, take_in
from tests.market.receivers import Receiver, webhook

pytestmark = pytest.mark.django_db(transaction=True)

API = "/api/v1/market"
HALVERN = "Halvern Steel plunges"


@pytest.fixture
def rule(analyst: User, halvern: Company) -> Rule:
    Company.objects.filter(id=halvern.pk).update(sector="Materials")
    return RuleFactory(owner=analyst, company=halvern)


def kinds(user: User) -> list[str]:
    events = Event.objects.filter(stream=alert_stream(user.pk)).order_by("seq")
    return list(events.values_list("kind", flat=True))


def silence(owner: User, kind: str, *, minutes: int = 60, **more: Any) -> Silence:
    ends = timezone.now() + timedelta(minutes=minutes)
    wanted = SilenceInput(kind=kind, ends_at=ends, reason="earnings call", **more)
    return silence_create(actor=owner, wanted=wanted)


def closed_now(rule: Rule, **more: Any) -> datetime:
    """Give a rule hours that begin in an hour; returns when they do."""
    opens = (timezone.now() + timedelta(hours=1)).replace(second=0, microsecond=0)
    closes = opens + timedelta(hours=1)
    wanted = HandlingInput(opens=opens.time(), closes=closes.time(), **more)
    handling_set(actor=rule.owner, rule_id=rule.pk, wanted=wanted)
    return opens


@pytest.mark.parametrize("kind", ["rule", "company", "sector", "topic", "watchlist"])
def test_a_silenced_alert_is_kept_and_rings_nowhere(
    analyst: User,
    halvern: Company,
    rule: Rule,
    receiver: Receiver,
    kind: str,
) -> None:
    webhook(analyst, receiver, rule)
    company_watch(actor=analyst, company_id=halvern.pk)
    about = {
        "rule": {"rule_id": rule.pk},
        "company": {"company_id": halvern.pk},
        "sector": {"sector": "Materials"},
        "topic": {"topic": "Company | Product News"},
        "watchlist": {},
    }[kind]
    found = silence(analyst, kind, **about)
    take_in(news(HALVERN))
    alert = Alert.objects.get()
    assert (alert.state, alert.quiet, alert.silence) == ("new", "silenced", found)
    assert kinds(analyst) == ["alert.silenced"]
    assert not Delivery.objects.exists()
    assert receiver.bodies == []


@pytest.mark.parametrize("kind", ["rule", "company", "sector", "topic", "watchlist"])
def test_a_silence_about_something_else_keeps_nothing_quiet(
    analyst: User, colleague: User, halvern: Company, skyrill: Company, rule: Rule, kind: str
) -> None:
    Company.objects.filter(id=skyrill.pk).update(sector="Airlines")
    company_watch(actor=analyst, company_id=skyrill.pk)
    about = {
        "rule": {"rule_id": RuleFactory(owner=analyst, enabled=False).pk},
        "company": {"company_id": skyrill.pk},
        "sector": {"sector": "Airlines"},
        "topic": {"topic": "Dividend"},
        "watchlist": {},
    }[kind]
    silence(analyst, kind, **about)
    silence(colleague, "company", company_id=halvern.pk)  # somebody else's
    take_in(news(HALVERN))
    assert Alert.objects.get().quiet == ""
    assert kinds(analyst) == ["alert.created"]


@pytest.mark.parametrize(
    ("kind", "title", "quiet"),
    [
        ("company", HALVERN, "silenced"),
        ("company", "Halvern Steel and Skyrill Airlines plunge", ""),
        ("sector", "Halvern Steel and Skyrill Airlines plunge", "silenced"),
        ("watchlist", HALVERN, "silenced"),
        ("watchlist", "Halvern Steel and Skyrill Airlines plunge", ""),
        ("company", "Copper prices plunge", ""),
    ],
)
def test_a_silence_about_companies_holds_for_rules_about_none_of_them(
    analyst: User, halvern: Company, skyrill: Company, kind: str, title: str, quiet: str
) -> None:
    Company.objects.update(sector="Materials")
    company_watch(actor=analyst, company_id=halvern.pk)
    RuleFactory(owner=analyst, company=None, sentiment="", threshold=0)
    about = {"company": {"company_id": halvern.pk}, "sector": {"sector": "Materials"}}
    silence(analyst, kind, **about.get(kind, {}))
    take_in(news(title))
    alert = Alert.objects.get()
    assert (alert.company, alert.quiet) == (None, quiet)


def test_an_alert_about_an_article_as_a_whole_names_the_companies_in_it(
    analyst: User, halvern: Company, skyrill: Company, receiver: Receiver, client_for: ClientFor
) -> None:
    rule = RuleFactory(owner=analyst, company=None, sentiment="", threshold=0)
    webhook(analyst, receiver, rule)
    take_in(news("Oil slump lifts Skyrill Airlines and hurts Halvern Steel"))
    told = {"SKYL": "positive", "HALV": "negative"}

    def companies(payload: dict[str, Any]) -> dict[str, str]:
        assert payload["company"] is None
        return {one["ticker"]: one["sentiment"]["label"] for one in payload["companies"]}

    (event,) = Event.objects.filter(stream=alert_stream(analyst.pk))
    assert companies(event.payload) == told
    deliveries_send_due()
    (body,) = receiver.bodies
    assert companies(json.loads(body)["data"]) == told
    client, alert = client_for(analyst), Alert.objects.get()
    assert companies(client.get(f"{API}/alerts/").json()["results"][0]) == told
    assert companies(client.post(f"{API}/alerts/{alert.pk}/acknowledge/").json()) == told
    for path in ("/market/alerts/?state=all", f"/market/alerts/{alert.pk}/"):
        assert f"/market/companies/{skyrill.pk}/" in client.get(path).content.decode()


def test_a_silence_begins_and_ends_by_the_clock_or_early(
    analyst: User, halvern: Company, rule: Rule
) -> None:
    starts = timezone.now() + timedelta(minutes=30)
    coming = silence(analyst, "company", company_id=halvern.pk, starts_at=starts)
    take_in(news(HALVERN))
    Silence.objects.update(starts_at=timezone.now() - timedelta(minutes=1))
    take_in(news("Halvern Steel sued by a supplier of coke, plunges"))
    ended = silence_end(actor=analyst, silence_id=coming.pk)
    assert ended.ended_early
    take_in(news("Strike at the mills: Halvern Steel plunges once more"))
    quiet = list(Alert.objects.order_by("id").values_list("quiet", flat=True))
    assert quiet == ["", "silenced", ""]
    with pytest.raises(Conflict):
        silence_end(actor=analyst, silence_id=coming.pk)


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"kind": "mood"}, "kind"),
        ({"kind": "rule", "rule_id": 9}, "rule"),
        ({"kind": "company"}, "company"),
        ({"kind": "sector", "sector": "Magic"}, "sector"),
        ({"kind": "topic", "topic": "Gossip"}, "topic"),
        ({"kind": "watchlist", "reason": " "}, "reason"),
        ({"kind": "watchlist", "ends_at": timezone.now() - timedelta(hours=1)}, "ends_at"),
        ({"kind": "watchlist", "ends_at": timezone.now() + timedelta(days=400)}, "ends_at"),
    ],
)
def test_an_unusable_silence_names_its_field(
    analyst: User, wanted: dict[str, Any], field: str
) -> None:
    ends = timezone.now() + timedelta(hours=1)
    with pytest.raises(InvalidInput) as caught:
        silence_create(
            actor=analyst, wanted=SilenceInput(**{"ends_at": ends, "reason": "r", **wanted})
        )
    assert list(caught.value.fields) == [field]


def test_a_silence_about_anothers_rule_is_refused(
    analyst: User, colleague: User, member: User, rule: Rule, client_for: ClientFor
) -> None:
    with pytest.raises(InvalidInput):
        silence(colleague, "rule", rule_id=rule.pk)
    with pytest.raises(NotAllowed):
        silence(member, "watchlist")
    found = silence(analyst, "rule", rule_id=rule.pk)
    with pytest.raises(NotFound):
        silence_end(actor=colleague, silence_id=found.pk)
    answer = client_for(colleague).post(f"{API}/silences/{found.pk}/end/")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert client_for(colleague).get(f"{API}/silences/").json()["results"] == []
    assert client_for(member).get("/market/silences/").status_code == 403


def test_outside_its_hours_an_alert_waits_and_then_rings(
    analyst: User,
    rule: Rule,
    receiver: Receiver,
) -> None:
    channel = webhook(analyst, receiver, rule)
    opens = closed_now(rule, channel_ids=(channel.pk,))
    take_in(news(HALVERN))
    alert = Alert.objects.get()
    assert (alert.quiet, alert.held_until) == ("held", opens)
    assert (kinds(analyst), receiver.bodies) == (["alert.held"], [])
    assert alerts_release() == 0
    Alert.objects.update(held_until=timezone.now())
    handling_set(actor=analyst, rule_id=rule.pk, wanted=HandlingInput(channel_ids=(channel.pk,)))
    assert (alerts_release(), alerts_release()) == (1, 0)
    alert.refresh_from_db()
    assert (alert.quiet, alert.held_until) == ("", None)
    assert kinds(analyst) == ["alert.held", "alert.created"]
    assert len(receiver.bodies) == 1


def test_a_held_alert_that_was_seen_does_not_ring(analyst: User, rule: Rule) -> None:
    closed_now(rule)
    take_in(news(HALVERN))
    alert_acknowledge(actor=analyst, alert_id=Alert.objects.get().pk)
    Alert.objects.update(held_until=timezone.now())
    assert alerts_release() == 1
    assert "alert.created" not in kinds(analyst)
    assert Alert.objects.get().quiet == ""


def test_a_held_alert_of_a_deleted_rule_is_not_lost(analyst: User, rule: Rule) -> None:
    closed_now(rule)
    take_in(news(HALVERN))
    rule.delete()
    Alert.objects.update(held_until=timezone.now())
    assert alerts_release() == 1
    assert Alert.objects.get().quiet == ""


def test_outside_its_hours_an_alert_may_go_into_the_digest(analyst: User, rule: Rule) -> None:
    closed_now(rule, outside="digest")
    take_in(news(HALVERN))
    assert (Alert.objects.get().quiet, kinds(analyst)) == ("digest", ["alert.held"])
    assert alerts_release() == 0


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"days": "07"}, "days"),
        ({"opens": "08:00"}, "closes"),
        ({"time_zone": "Middle/Earth"}, "time_zone"),
        ({"outside": "shout"}, "outside"),
        ({"opens": "99"}, "opens"),
    ],
)
def test_unusable_hours_name_their_field(
    analyst: User, rule: Rule, client_for: ClientFor, wanted: dict[str, str], field: str
) -> None:
    path = f"{API}/rules/{rule.pk}/handling/"
    answer = client_for(analyst).patch(path, wanted, "application/json")
    assert answer.status_code in (400, 422)
    assert list(answer.json()["fields"]) == [field]


def test_the_api_keeps_silences_and_hours(
    analyst: User, halvern: Company, rule: Rule, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    ends = (timezone.now() + timedelta(hours=2)).isoformat()
    body = {"kind": "company", "company": halvern.pk, "ends_at": ends, "reason": "call"}
    made = client.post(f"{API}/silences/", body, "application/json")
    assert (made.status_code, made.json()["about"]) == (201, "Halvern Steel")
    take_in(news(HALVERN))
    [listed] = client.get(f"{API}/silences/", {"active": "1"}).json()["results"]
    assert listed["kept"] == 1
    quiet = client.get(f"{API}/alerts/", {"quiet": "silenced"}).json()["results"]
    assert [alert["article"]["title"] for alert in quiet] == [HALVERN]
    assert client.get(f"{API}/alerts/", {"quiet": ""}).json()["results"] == []
    client.post(f"{API}/silences/{listed['id']}/end/")
    assert client.get(f"{API}/silences/", {"active": "1"}).json()["results"] == []
    hours = {"days": "43210", "opens": "08:00", "closes": "18:00", "time_zone": "Asia/Tokyo"}
    path = f"{API}/rules/{rule.pk}/handling/"
    told = client.patch(path, hours, "application/json").json()
    assert (told["days"], told["opens"], told["time_zone"]) == ("01234", "08:00:00", "Asia/Tokyo")
    assert client.patch(path, {"outside": "digest"}, "application/json").json()["days"] == "01234"


def test_the_pages_silence_list_and_set_hours(
    analyst: User, halvern: Company, rule: Rule, client_for: ClientFor
) -> None:
    client = client_for(analyst)
    form = {"subject": "company:", "company": "HALV", "minutes": "60", "reason": "call"}
    assert client.post("/market/silences/", {**form, "company": "?"}).status_code == 422
    assert client.post("/market/silences/", form).status_code == 302
    take_in(news(HALVERN))
    assert HALVERN not in client.get("/market/alerts/").content.decode()
    assert "Kept quiet:" in client.get("/market/").content.decode()
    assert HALVERN in client.get("/market/alerts/?state=silenced").content.decode()
    client.post(f"/market/silences/{Silence.objects.get().pk}/end/")
    assert "Kept quiet:" not in client.get("/market/").content.decode()
    path = f"/market/rules/{rule.pk}/handling/"
    hours = {"days": ["0", "1"], "opens": "22:00", "closes": "06:00", "time_zone": "Asia/Tokyo"}
    assert client.post(path, {**hours, "time_zone": "x"}).status_code == 422
    assert client.post(path, hours).status_code == 302
    shown = client.get(path).content.decode()
    assert 'value="22:00"' in shown
    assert 'value="Asia/Tokyo"' in shown
