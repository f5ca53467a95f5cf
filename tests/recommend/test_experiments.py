from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.recommend import feed, page, visitors
from apps.recommend.experiment_results import experiment_results
from apps.recommend.experiment_statistics import (
    means_differ,
    ratio_chance,
    readers_needed,
    shares_differ,
)
from apps.recommend.experiments import arm_of
from apps.recommend.models import Experiment, Exposure, Impression, Reader
from apps.recommend.services.business_rules import rule_save
from apps.recommend.services.experiments import (
    experiment_create,
    experiment_delete,
    experiment_draft,
    experiment_start,
    experiment_stop,
)
from apps.recommend.services.forgetting import reader_forget
from tests.recommend.factories import ReaderFactory, did

PLAN: dict[str, Any] = {
    "name": "The dial",
    "metric": "click",
    "baseline": 0.2,
    "lift": 0.05,
    "arms": [
        {"name": "control", "share": 0.5},
        {"name": "b", "share": 0.5, "settings": {"rules": False, "exploration": 0.3}},
    ],
}
RUNS = 1000


def test_a_true_lift_of_5_percent_is_found_at_the_stated_power() -> None:
    needed = readers_needed(0.2, 0.05, power=0.8, alpha=0.05)
    assert needed == 25_583  # as statistical tables have it
    random = np.random.default_rng(1)
    treated = random.binomial(needed, 0.21, RUNS)
    control = random.binomial(needed, 0.20, RUNS)
    found = shares_differ(treated, needed, control, needed, 0.05)
    assert np.mean(found.p < 0.05) == pytest.approx(0.8, abs=0.04)
    assert np.mean((found.low <= 0.01) & (found.high >= 0.01)) == pytest.approx(0.95, abs=0.02)


def test_the_false_positive_rate_is_kept_over_1000_null_runs() -> None:
    random = np.random.default_rng(2)
    for needed, share in ((25_583, 0.2), (400, 0.05)):
        treated, control = random.binomial(needed, share, (2, RUNS))
        found = shares_differ(treated, needed, control, needed, 0.05)
        assert np.mean(found.p < 0.05) <= 0.065
        assert np.mean((found.low <= 0) & (found.high >= 0)) >= 0.93


def test_looking_every_day_would_break_the_rate_which_is_why_nobody_is_shown() -> None:
    random = np.random.default_rng(3)
    daily = random.binomial(500, 0.2, (2, 20, RUNS)).cumsum(axis=1)
    of = 500 * np.arange(1, 21)[:, None]
    found = shares_differ(daily[0], of, daily[1], of, 0.05)
    assert np.mean((found.p < 0.05).any(axis=0)) > 0.15


def test_arms_of_a_wrong_size_are_noticed_and_right_ones_are_not() -> None:
    assert ratio_chance([5000, 5000], [0.5, 0.5]) == 1.0
    assert ratio_chance([5300, 4700], [0.5, 0.5]) < 0.001
    assert ratio_chance([0, 0], [0.5, 0.5]) == 1.0
    random = np.random.default_rng(4)
    sizes = random.binomial(10_000, 0.5, RUNS // 4)
    alarms = [ratio_chance([size, 10_000 - size], [0.5, 0.5]) < 0.001 for size in sizes]
    assert np.mean(alarms) < 0.005


def test_shares_that_are_off_are_told_as_a_number_and_in_percent() -> None:
    halves = [{"name": name, "share": 0.65} for name in ("a", "b")]
    with pytest.raises(InvalidInput, match=r"sum to 1\.3 \(130.*%\)"):
        experiment_draft(PLAN | {"arms": halves})
    whole = [{"name": "a", "share": 1.3}, {"name": "b", "share": 0}]
    with pytest.raises(InvalidInput, match=r"share of a .* to 1 \(0\.1% to 100%\)"):
        experiment_draft(PLAN | {"arms": whole})


def test_means_are_compared_though_nobody_did_anything() -> None:
    assert means_differ([0.0, 0.0], [0.0, 0.0], 0.05).p == 1.0
    found = means_differ([5.0, 6.0, 7.0] * 30, [1.0, 2.0, 3.0] * 30, 0.05)
    assert found.low < 4.0 < found.high
    assert found.p < 0.001


@pytest.mark.parametrize(
    "values",
    [
        {"name": ""},
        {"metric": "money"},
        {"baseline": 0},
        {"baseline": 0.9, "lift": 0.5},
        {"lift": 0},
        {"power": 2},
        {"arms": PLAN["arms"][:1]},
        {"arms": [{"name": "a", "share": 0.5}, {"name": "a", "share": 0.5}]},
        {"arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.6}]},
        {"arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5, "settings": {"x": 1}}]},
        {
            "arms": [
                {"name": "a", "share": 0.5},
                {"name": "b", "share": 0.5, "settings": {"exploration": 0.9}},
            ]
        },
    ],
)
def test_a_bad_plan_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        experiment_draft(PLAN | values)


def test_a_third_arm_needs_more_readers() -> None:
    third = [{"name": name, "share": 1 / 3} for name in "abc"]
    assert experiment_draft(PLAN | {"arms": third}).needed > experiment_draft(PLAN).needed


def test_readers_fall_into_arms_by_their_shares_and_stay_there() -> None:
    arms = [{"name": "a", "share": 0.2}, {"name": "b", "share": 0.8}]
    one, other = (experiment_draft(PLAN | {"arms": arms, "name": name}) for name in ("x1", "x2"))
    keys = [uuid.UUID(int=number) for number in range(4000)]
    held = [arm_of(one, key)["name"] for key in keys]
    assert held == [arm_of(one, key)["name"] for key in keys]
    assert held.count("a") / len(held) == pytest.approx(0.2, abs=0.02)
    both = [
        arm_of(other, key)["name"] == "a" for key, arm in zip(keys, held, strict=True) if arm == "a"
    ]
    assert np.mean(both) == pytest.approx(0.2, abs=0.05)  # independent of the other experiment


def _started(keeper: User, **values: Any) -> Experiment:
    draft = experiment_create(actor=keeper, given=PLAN | values)
    return experiment_start(actor=keeper, experiment=draft)


def _in(arm: str, experiment: Experiment) -> Reader:
    for _ in range(60):
        reader = ReaderFactory()
        if arm_of(experiment, reader.key)["name"] == arm:
            return reader
    raise AssertionError(arm)


def test_an_arm_sets_the_page_and_what_was_shown_is_kept_with_its_chance(
    keeper: User, books: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "FOR_YOU", 5)  # so that a small catalogue leaves others to show
    experiment = _started(keeper)
    rule_save(
        actor=keeper,
        given={"name": "no sea", "action": "hide", "conditions": {"tags": ["sea"]}},
    )
    pages = {}
    for arm in ("control", "b"):
        reader = _in(arm, experiment)
        did(reader, "save", "sea-1")
        pages[arm] = page.page_of(reader)["sections"]
        page.page_of(reader)  # the same page again
        impression = Impression.objects.get(reader=reader)
        assert (impression.exposure.arm, impression.exposure.reader) == (arm, reader)
        chances = [chance for _, chance in impression.items]
        assert len(chances) == len(pages[arm][0]["items"])
        assert all(0 < chance <= 1 for chance in chances)
        assert (set(chances) == {1.0}) is (arm == "control")
    shown = {
        arm: {card["id"] for row in rows for card in row["items"]} for arm, rows in pages.items()
    }
    assert not any(item_id.startswith("sea") for item_id in shown["control"])
    assert any(item_id.startswith("sea") for item_id in shown["b"])


def test_a_rule_for_one_arm_counts_in_it_alone(keeper: User, books: None) -> None:
    experiment = _started(keeper, arms=[{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}])
    conditions = {"item_ids": ["ghost-3"]}
    given = {"name": "pin", "action": "pin", "amount": 1, "conditions": conditions}
    rule_save(actor=keeper, given=given | {"audience": f"{experiment.key}/b"})
    first = {
        arm: page.page_of(_in(arm, experiment))["sections"][0]["items"][0]["id"] for arm in "ab"
    }
    assert first["b"] == "ghost-3"
    assert first["a"] != "ghost-3"


def test_layers_run_side_by_side_and_each_keeps_who_saw_what(keeper: User, books: None) -> None:
    arms = [
        {"name": name, "share": 0.5, "settings": {"familiarity": n}} for n, name in enumerate("cd")
    ]
    other = experiment_create(
        actor=keeper, given=PLAN | {"name": "Dial", "layer": "dial", "arms": arms}
    )
    same = experiment_create(actor=keeper, given=PLAN | {"name": "Again", "layer": "dial"})
    one = _started(keeper)
    with pytest.raises(Conflict, match="sets exploration, rules too"):
        experiment_start(actor=keeper, experiment=same)
    experiment_start(actor=keeper, experiment=other)
    reader = _in("b", one)
    policy = page.page_inputs(reader).policy
    assert (policy.arm.rules, policy.arm.exploration) == (False, 0.3)
    assert policy.arm.familiarity == (arm_of(other, reader.key)["name"] == "d")
    page.page_of(reader)
    seen = Exposure.objects.filter(reader=reader).values_list("experiment__layer", "arm")
    assert set(seen) == {("page", "b"), ("dial", arm_of(other, reader.key)["name"])}


def test_a_visitor_sees_an_arm_from_the_first_page_on(keeper: User, books: None) -> None:
    experiment = _started(keeper)
    client = Client()
    shown = client.get(reverse("recommend:home"))
    assert b"data-enrol" in shown.content  # the page's socket asks for it
    assert not Reader.objects.exists()  # what runs no scripts leaves nothing behind
    key = visitors.cookie_key({visitors.COOKIE: client.cookies[visitors.COOKIE].value})
    assert key is not None
    policy = page.page_inputs(None, key=key).policy
    assert policy.arms == ((experiment.pk, arm_of(experiment, key)["name"]),)
    assert page.page_inputs(None).policy.arms == ()


def test_forgetting_a_reader_forgets_the_experiment_rows(keeper: User, books: None) -> None:
    reader = _in("b", _started(keeper))
    page.page_of(reader)
    assert Exposure.objects.exists()
    reader_forget(reader=reader)
    assert not Exposure.objects.exists()
    assert not Impression.objects.exists()


def test_no_difference_is_told_before_the_planned_readers_are_there(
    keeper: User, books: None
) -> None:
    experiment = _started(keeper, baseline=0.3, lift=1.2, window_hours=1)
    now = timezone.now()
    Experiment.objects.update(needed=30, started_at=now - timedelta(days=2))
    experiment.refresh_from_db()

    def arrive(arm: str, count: int, doing: int, hours: float = 30) -> None:
        for number in range(count):
            reader = ReaderFactory()
            at = now - timedelta(hours=hours)
            Exposure.objects.create(experiment=experiment, reader=reader, arm=arm, first_at=at)
            if number < doing:
                did(reader, "click", "sea-1", at=at + timedelta(minutes=5))
                did(reader, "dwell", "sea-1", at=at + timedelta(minutes=6), value=40)
            else:
                did(reader, "click", "sea-1", at=at + timedelta(hours=5))  # after the window

    arrive("control", 30, 3)
    arrive("b", 29, 25)
    arrive("b", 5, 5, hours=0.5)  # not ripe yet
    early = experiment_results(experiment)
    assert (early.is_complete, early.progress) == (False, 29)
    assert not early.arms[1].compared
    arrive("b", 1, 1, hours=20)
    late = experiment_results(experiment)
    assert late.is_complete
    found = late.arms[1].compared["click"]
    assert late.arms[0].values["click"] == pytest.approx(0.1)
    assert found.value == pytest.approx(26 / 30 - 0.1)
    assert found.is_clear
    assert found.low < found.value < found.high
    assert not late.arms[1].compared["dwell"].harm
    assert late.arms[1].compared["dwell"].value > 0


def test_starting_and_stopping_is_told_and_kept_in_order(keeper: User, mei: User, db: None) -> None:
    one = experiment_create(actor=keeper, given=PLAN)
    with pytest.raises(Conflict):
        experiment_create(actor=keeper, given=PLAN)
    two = experiment_create(actor=keeper, given=PLAN | {"name": "Another"})
    experiment_start(actor=keeper, experiment=one)
    for act in (experiment_start, experiment_delete):
        with pytest.raises(Conflict):
            act(actor=keeper, experiment=one)
    with pytest.raises(Conflict, match="stop it first"):
        experiment_start(actor=keeper, experiment=two)
    experiment_stop(actor=keeper, experiment=one)
    with pytest.raises(Conflict):
        experiment_start(actor=keeper, experiment=one)
    experiment_delete(actor=keeper, experiment=one)
    told = AuditEntry.objects.filter(object_id=one.key).order_by("id")
    assert [entry.action.split(".")[1] for entry in told] == [
        "made",
        "started",
        "stopped",
        "deleted",
    ]
    with pytest.raises(NotAllowed):
        experiment_start(actor=mei, experiment=two)


FORM = {
    "name": "Quiet <b>pages</b>",
    "metric": "save",
    "baseline": "20",
    "lift": "5",
    "power": "80",
    "alpha": "5",
    "window_hours": "24",
    "arm_0": "control",
    "share_0": "50",
    "rules_0": "on",
    "arm_1": "quiet",
    "share_1": "50",
    "exploration_1": "0.1",
}


def test_an_experiment_is_planned_started_and_stopped_on_its_pages(
    keeper_client: Client, mei: User, books: None
) -> None:
    part = keeper_client.post(reverse("recommend:experiments-plan"), FORM).content.decode()
    assert "25,583" in part
    url = reverse("recommend:experiments")
    assert keeper_client.post(url, FORM | {"share_1": "40"}).status_code == 422
    page_url = keeper_client.post(url, FORM).headers["Location"]
    shown = keeper_client.get(page_url).content.decode()
    assert "exploration 0.1" in shown
    assert "without rules" in shown
    assert "<b>pages" not in shown
    experiment = Experiment.objects.get()
    act = {name: reverse("recommend:experiment-act", args=[experiment.key, name]) for name in _ACTS}
    stranger = Client()
    stranger.force_login(mei)
    assert all(stranger.post(address).status_code == 403 for address in [*act.values(), url])
    keeper_client.post(act["start"])
    assert b"The comparison is made once" in keeper_client.get(page_url).content
    keeper_client.post(act["stop"])
    assert b"says nothing of a difference" in keeper_client.get(page_url).content
    keeper_client.post(act["delete"])
    assert not Experiment.objects.exists()


_ACTS = ("start", "stop", "delete")


def test_the_page_of_a_complete_experiment_tells_the_difference(
    keeper: User, keeper_client: Client, books: None
) -> None:
    experiment = _started(keeper, window_hours=1)
    Experiment.objects.update(needed=40, started_at=timezone.now() - timedelta(days=2))
    at = timezone.now() - timedelta(days=1)
    for number in range(80):
        reader, arm = ReaderFactory(), "b" if number % 2 else "control"
        Exposure.objects.create(experiment=experiment, reader=reader, arm=arm, first_at=at)
        if arm == "b":
            did(reader, "click" if number > 30 else "dislike", "sea-1", at=at)
    shown = keeper_client.get(reverse("recommend:experiment", args=[experiment.key]))
    assert b"a clear difference" in shown.content
    assert b"harm" in shown.content
    told = keeper_client.get(reverse("api-recommend-experiment", args=[experiment.key])).json()
    assert told["results"]["is_complete"] is True
    assert told["results"]["arms"][1]["compared"]["dismiss"]["harm"] is True


def test_experiments_have_an_api(keeper_client: Client, mei: User, db: None) -> None:
    def send(name: str, body: Any = None, *args: Any) -> Any:
        url = reverse(f"api-recommend-{name}", args=args)
        return keeper_client.post(url, json.dumps(body), content_type="application/json")

    made = send("experiments", PLAN)
    assert (made.status_code, made.json()["needed"]) == (201, 25_583)
    assert send("experiments", PLAN).status_code == 409
    assert send("experiments", PLAN | {"lift": 0}).status_code == 422
    key = made.json()["key"]
    assert send("experiment-start", None, key).json()["status"] == "running"
    assert send("experiment-stop", None, key).json()["status"] == "stopped"
    stranger = Client()
    stranger.force_login(mei)
    assert stranger.get(reverse("api-recommend-experiments")).status_code == 403
