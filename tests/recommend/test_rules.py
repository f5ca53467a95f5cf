from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput, NotAllowed
from apps.recommend import page
from apps.recommend.experiments import arm_of
from apps.recommend.index import snapshot
from apps.recommend.models import BusinessRule, Item, Reader
from apps.recommend.policy import explored
from apps.recommend.rule_drafts import rule_draft
from apps.recommend.rule_matching import matching
from apps.recommend.rule_preview import rule_preview
from apps.recommend.rule_words import rule_sentence
from apps.recommend.services.business_rules import rule_delete, rule_save
from apps.recommend.services.catalogue import item_delete
from apps.recommend.services.experiments import experiment_create, experiment_start
from tests.recommend.factories import did, load_books

PLAN = {
    "name": "The dial",
    "metric": "purchase",
    "baseline": 0.2,
    "lift": 0.05,
    "arms": [{"name": "control", "share": 0.5}, {"name": "b", "share": 0.5}],
}
pytestmark = pytest.mark.usefixtures("books")


def made(keeper: User, action: str, conditions: Any = None, **values: Any) -> BusinessRule:
    given = {"name": f"a {action}", "action": action, "conditions": conditions or {}, **values}
    return rule_save(actor=keeper, given=given)


def shown(reader: Reader, row: str = "for-you") -> list[str]:
    sections = page.page_of(reader)["sections"]
    return [card["id"] for held in sections if held["id"] == row for card in held["items"]]


@pytest.fixture
def sailor(reader: Reader) -> Reader:
    did(reader, "save", "sea-1")
    return reader


def test_what_a_rule_hides_is_on_no_row(keeper: User, sailor: Reader) -> None:
    assert "sea-2" in shown(sailor)
    made(keeper, "hide", {"tags": ["sea"]})
    ids = {card["id"] for row in page.page_of(sailor)["sections"] for card in row["items"]}
    assert ids
    assert not any(item_id.startswith("sea") for item_id in ids)


def test_search_does_not_find_what_a_rule_hides(keeper: User, sailor: Reader) -> None:
    def found(reader: Reader | None, key: uuid.UUID | None = None) -> set[str]:
        results = page.search_results(reader, "a captain on a ship", key=key)
        return {result["id"] for result in results}

    assert {"sea-3", "sea-4"} <= found(sailor)
    made(keeper, "hide", {"item_ids": ["sea-3"]})
    assert "sea-3" not in found(sailor) | found(None)
    assert "sea-4" in found(sailor)
    experiment = experiment_create(actor=keeper, given=PLAN)
    experiment_start(actor=keeper, experiment=experiment)
    made(keeper, "hide", {"item_ids": ["sea-4"]}, audience="the-dial/b")
    visitors = [uuid.uuid4() for _ in range(40)]
    in_arm = {key: arm_of(experiment, key)["name"] == "b" for key in visitors}
    assert len(set(in_arm.values())) == 2
    assert {key: "sea-4" not in found(None, key) for key in visitors} == in_arm


def test_a_hidden_item_opens_by_its_address(keeper: User, client: Client) -> None:
    made(keeper, "hide", {"item_ids": ["sea-3"]})
    assert client.get(reverse("recommend:item", args=["sea-3"])).status_code == 200
    search = client.get(reverse("api-recommend-search"), {"q": "a storm under canvas"})
    assert "sea-3" not in {item["id"] for item in search.json()["items"]}


def test_a_boost_moves_an_item_and_is_named_among_its_parts(keeper: User, sailor: Reader) -> None:
    before = shown(sailor).index("moon-1") if "moon-1" in shown(sailor) else 99
    rule = made(keeper, "boost", {"item_ids": ["moon-1"]}, amount=5)
    assert shown(sailor).index("moon-1") < before
    inputs = page.page_inputs(sailor)
    ranked = page.ranked_of(inputs)
    position = inputs.snapshot.by_external["moon-1"]
    parts = ranked.parts(position)
    assert any(part.reason.kind == "rule" and part.reason.words == rule.name for part in parts)
    assert sum(part.amount for part in parts) == pytest.approx(ranked.scores[position], abs=1e-5)


def test_a_pin_has_its_place_unless_the_reader_refused_the_item(
    keeper: User, sailor: Reader
) -> None:
    made(keeper, "pin", {"item_ids": ["ghost-3"]}, amount=2)
    assert shown(sailor)[1] == "ghost-3"
    assert shown(sailor).count("ghost-3") == 1
    did(sailor, "not_interested", "ghost-3")
    assert "ghost-3" not in shown(sailor)


def test_a_hidden_item_is_never_pinned(keeper: User, sailor: Reader) -> None:
    made(keeper, "pin", {"item_ids": ["ghost-3"]}, amount=1, priority=9)
    made(keeper, "hide", {"item_ids": ["ghost-3"]})
    assert "ghost-3" not in shown(sailor)


def test_a_cap_thins_a_row_and_fills_it_with_others(keeper: User, sailor: Reader) -> None:
    made(keeper, "cap", amount=1, per="author")
    ids = shown(sailor)
    authors = [Item.objects.get(external_id=item_id).authors[0] for item_id in ids]
    assert len(ids) >= 4
    assert len(set(authors)) == len(authors)


def test_a_new_reader_sees_the_pin_in_the_first_row(keeper: User, reader: Reader) -> None:
    made(keeper, "pin", {"item_ids": ["ghost-3"]}, amount=1)
    assert page.page_of(None)["sections"][0]["items"][0]["id"] == "ghost-3"


def test_a_rule_counts_only_within_its_dates(keeper: User, sailor: Reader) -> None:
    now = timezone.now()
    made(keeper, "hide", {"tags": ["sea"]}, starts_at=now + timedelta(days=1))
    made(keeper, "hide", {"tags": ["sea"]}, ends_at=now - timedelta(days=1))
    made(keeper, "hide", {"tags": ["sea"]}, enabled=False)
    experiment_create(actor=keeper, given=PLAN)  # it does not run
    made(keeper, "hide", {"tags": ["sea"]}, audience="the-dial/b")
    assert "sea-2" in shown(sailor)


@pytest.mark.parametrize(
    ("conditions", "found"),
    [
        ({"tags": ["storm", "war"]}, {"sea-3", "moon-2"}),
        ({"authors": ["Ada North"], "tags": ["storm"]}, {"sea-3"}),
        ({"tags": ["nothing"]}, set()),
        ({"language": "pt"}, {"rich"}),
        ({"price_min": 10, "price_max": 13}, {"rich"}),
        ({"attribute": {"name": "age", "is": ">", "value": 11}}, {"rich"}),
        ({"attribute": {"name": "age", "is": "=", "value": 11}}, set()),
        ({"attribute": {"name": "a__b's", "is": "=", "value": "x"}}, {"rich"}),
        ({"newer_than_days": 30}, {"rich"}),
        ({"older_than_days": 60_000}, {"sea-1", "sea-4", "ghost-1", "ghost-3", "ghost-4"}),
    ],
)
def test_conditions_find_their_items(conditions: dict[str, Any], found: set[str]) -> None:
    today = timezone.now().date().isoformat()
    load_books(
        {
            "item_id": "rich",
            "title": "Rich",
            "language": "pt-br",
            "price": "12.50",
            "published_at": today,
            "attributes": {"age": 12, "a__b's": "x"},
        }
    )
    held = snapshot()
    fits = matching(conditions, held)
    assert {held.entries[at].external_id for at in fits.nonzero()[0]} == found


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"action": "explode"},
        {"conditions": {}},
        {"conditions": {"colour": "red"}},
        {"conditions": {"tags": "sea"}},
        {"conditions": {"attribute": {"name": "age"}}},
        {"conditions": {"attribute": {"name": "age", "is": ">", "value": "old"}}},
        {"amount": 0},
        {"amount": 99},
        {"amount": "much"},
        {"action": "pin", "amount": 1.5},
        {"action": "cap", "amount": 2},
        {"starts_at": "2026-02-01", "ends_at": "2026-01-01"},
        {"starts_at": "soon"},
        {"conditions": {"price_min": 10, "price_max": 9}},
        {"conditions": {"older_than_days": 10, "newer_than_days": 5}},
        {"conditions": {"item_ids": ["sea-1", "nowhere"]}},
        {"audience": "nothing/b"},
    ],
)
def test_a_bad_rule_is_refused(values: dict[str, Any]) -> None:
    good = {"name": "x", "action": "boost", "amount": 1, "conditions": {"tags": ["sea"]}}
    assert rule_draft(good).amount == 1
    with pytest.raises(InvalidInput):
        rule_draft(good | values)


def test_a_rule_about_what_has_gone_is_not_made_but_can_be_changed(keeper: User) -> None:
    pinned = {"conditions": {"item_ids": ["sea-1"]}, "amount": 1}
    rule = made(keeper, "pin", **pinned)
    item_delete(external_id="sea-1")
    with pytest.raises(InvalidInput, match="The item 'sea-1' is deleted"):
        made(keeper, "pin", **pinned)
    given = {"name": "off", "action": "pin", **pinned, "enabled": False}
    assert rule_save(actor=keeper, given=given, rule=rule).state == "off"


def test_a_rule_is_for_an_arm_that_there_is(keeper: User) -> None:
    experiment_create(actor=keeper, given=PLAN)
    assert made(keeper, "hide", {"tags": ["sea"]}, audience="the-dial/b").audience == "the-dial/b"
    with pytest.raises(InvalidInput, match="no arm 'the-dial/c'"):
        made(keeper, "hide", {"tags": ["sea"]}, audience="the-dial/c")


def test_the_list_tells_what_a_rule_does_now(keeper: User, keeper_client: Client) -> None:
    made(keeper, "hide", {"tags": ["sea"]}, starts_at=timezone.now() + timedelta(days=1))
    made(keeper, "hide", {"tags": ["a tag that nothing has"]})
    over = {"starts_at": "2020-01-01", "ends_at": "2020-02-01"}
    made(keeper, "boost", {"tags": ["gothic"]}, amount=1, **over)
    told = keeper_client.get(reverse("api-recommend-rules")).json()
    assert [(rule["state"], rule["fits"]) for rule in told] == [
        ("to_come", 4),
        ("in_force", 0),
        ("over", 4),
    ]
    page = keeper_client.get(reverse("recommend:rules")).content.decode()
    assert page.count("the rule does nothing") == 1


def test_a_preview_shows_what_would_change_and_stores_nothing(sailor: Reader) -> None:
    given = {"name": "x", "action": "pin", "amount": 1, "conditions": {"item_ids": ["ghost-3"]}}
    found = rule_preview(rule_draft(given), sailor)
    assert (found.after[0].item_id, found.after[0].before, found.fits) == ("ghost-3", 4, 1)
    assert [move.by for move in found.after[:3]] == [3, -1, -1]
    assert not BusinessRule.objects.exists()


def test_each_change_is_told_with_who_did_it(keeper: User, mei: User) -> None:
    rule = made(keeper, "boost", {"tags": ["sea"]}, amount=1)
    given = {**rule.content(), "amount": 2}
    rule_save(actor=keeper, given=given, rule=rule)
    rule_save(actor=keeper, given=given, rule=rule)  # changes nothing
    rule_delete(actor=keeper, rule=rule)
    told = list(AuditEntry.objects.order_by("id").values_list("action", "actor__username"))
    assert told == [(f"rule.{what}", "keeper") for what in ("made", "changed", "deleted")]
    assert AuditEntry.objects.get(action="rule.changed").details["changed"] == {"amount": [1, 2]}
    with pytest.raises(NotAllowed):
        made(mei, "hide", {"tags": ["sea"]})


SPOKEN: dict[str, Any] = {
    "name": "x",
    "action": "cap",
    "amount": 2,
    "per": "author",
    "conditions": {"tags": ["sea", "war"], "price_max": 9.5},
    "starts_at": "2026-05-03T12:00",
}


def test_a_rule_says_itself_in_words(keeper: User) -> None:
    experiment_create(actor=keeper, given=PLAN)
    assert rule_sentence(rule_draft(SPOKEN | {"audience": "the-dial/b"})) == (
        "Show at most 2 per author in a row, counting items tagged “sea” or “war” and that cost "
        "9.5 or less for readers in arm “b” of the experiment “the-dial” from 3 May 2026 12:00."
    )
    boost = {"action": "boost", "amount": -1, "conditions": {"older_than_days": 30}}
    assert rule_sentence(rule_draft({"name": "x", **boost})) == (
        "Move items older than 30 days down by what 1 similar saved item adds for everyone."
    )


def test_what_was_changed_is_told_in_words(keeper: User, keeper_client: Client) -> None:
    rule = made(keeper, "hide", {"tags": ["sea"]})
    given = {"name": "up", "action": "boost", "amount": 2, "conditions": {"authors": ["Ada North"]}}
    changed = rule_save(actor=keeper, given=given | {"ends_at": "2099-05-03"}, rule=rule)
    rule_delete(actor=keeper, rule=changed)
    history = keeper_client.get(reverse("recommend:rules")).context["history"]
    told = [(str(act), lines) for _, act, lines in history]
    assert told[2] == ("made a rule", ["a hide: Hide items tagged “sea” for everyone."])
    assert told[1][0] == "changed a rule"
    assert "Does: Hide → Move up or down" in told[1][1]
    assert "Items: items tagged “sea” → items by “Ada North”" in told[1][1]
    assert "Until (UTC): – → 3 May 2099 00:00" in told[1][1]
    assert told[0][0] == "deleted a rule"
    assert told[0][1][0].startswith("up: Move items by “Ada North” up by what 2 similar saved")


def test_a_rule_says_itself_in_the_readers_language() -> None:
    with translation.override("zh-hans"):
        said = rule_sentence(rule_draft(SPOKEN))
    assert said == (
        "对所有人每行中每个作者最多显示 2 个条目，只计标签为“sea”或“war”、价格不高于 9.5的条目，"
        "自 2026年5月3日 12:00 起。"
    )


def test_rules_are_kept_on_their_page(keeper_client: Client, sailor: Reader, mei: User) -> None:
    url = reverse("recommend:rules")
    form = {"name": "<i>Sea</i>", "action": "hide", "tags": "sea|storm", "enabled": "on"}
    part = keeper_client.post(reverse("recommend:rules-preview"), form)
    assert "Hide items tagged “sea” or “storm” for everyone." in part.content.decode()
    assert keeper_client.post(url, {**form, "tags": ""}).status_code == 422
    assert keeper_client.post(url, form).status_code == 302
    rule = BusinessRule.objects.get()
    assert b"<i>Sea" not in keeper_client.get(url).content
    own = reverse("recommend:rule", args=[rule.pk])
    assert b'value="sea|storm"' in keeper_client.get(own).content
    keeper_client.post(own, {**form, "attribute_name": "age", "attribute_value": "12"})
    rule.refresh_from_db()
    assert rule.conditions["attribute"] == {"name": "age", "is": "=", "value": 12}
    stranger = Client()
    stranger.force_login(mei)
    for name in ("rule", "rule-preview", "rule-delete"):
        assert stranger.post(reverse(f"recommend:{name}", args=[rule.pk])).status_code == 403
    keeper_client.post(reverse("recommend:rule-delete", args=[rule.pk]))
    assert not BusinessRule.objects.exists()


def test_rules_have_an_api(keeper_client: Client, sailor: Reader, mei: User) -> None:
    def send(method: str, name: str, body: Any = None, *args: Any) -> Any:
        url = reverse(f"api-recommend-{name}", args=args)
        return getattr(keeper_client, method)(
            url, json.dumps(body), content_type="application/json"
        )

    body = {"name": "Sea", "action": "hide", "conditions": {"tags": ["sea"]}}
    assert "Harbour Lights" in send("post", "rule-preview", body).json()["gone"]
    rule = send("post", "rules", body).json()
    assert rule["sentence"] == "Hide items tagged “sea” for everyone."
    assert send("post", "rules", body | {"conditions": {"x": 1}}).status_code == 422
    assert send("put", "rule", body | {"enabled": False}, rule["id"]).json()["enabled"] is False
    assert keeper_client.get(reverse("api-recommend-rules")).json()[0]["id"] == rule["id"]
    assert send("delete", "rule", None, rule["id"]).status_code == 204
    stranger = Client()
    stranger.force_login(mei)
    assert stranger.get(reverse("api-recommend-rules")).status_code == 403


def test_exploring_gives_places_by_chance_and_tells_the_chance() -> None:
    assert explored([1, 2, 3], [1, 2, 3, 4, 5], share=0.0, seed=1) == ([1, 2, 3], [1.0, 1.0, 1.0])
    shown_again = [explored([1, 2], range(10), share=0.5, seed=7) for _ in range(2)]
    assert shown_again[0] == shown_again[1]
    runs = [explored([0], range(5), share=0.4, seed=seed) for seed in range(2000)]
    kept = sum(items == [0] for items, _ in runs) / len(runs)
    assert kept == pytest.approx(0.6, abs=0.04)
    chance = {items[0]: chances[0] for items, chances in runs}
    assert chance == pytest.approx({0: 0.6} | dict.fromkeys(range(1, 5), 0.1))
