from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import AuditEntry, User
from apps.core.errors import InvalidInput, NotAllowed, NotFound
from apps.market.models import Company, Rule, WatchedCompany
from apps.market.selectors.backtest import rule_history
from apps.market.selectors.lead import Lead
from apps.market.services.rules import (
    RuleInput,
    rule_create,
    rule_delete,
    rule_draft,
    rule_input,
    rule_update,
)
from apps.market.wording import rule_sentence
from tests.conftest import ClientFor
from tests.market.factories import (
    ArticleFactory,
    CompanyFactory,
    RuleFactory,
    ScoreFactory,
)

pytestmark = pytest.mark.django_db

BAD = RuleInput(sentiment="negative", threshold=0.7)


def test_a_rule_is_made_changed_and_deleted(analyst: User, halvern: Company) -> None:
    rule = rule_create(actor=analyst, wanted=replace(BAD, company_id=halvern.pk))
    assert rule.name == "HALV · negative"
    changed = rule_update(
        actor=analyst, rule_id=rule.pk, wanted=replace(rule_input(rule), threshold=0.9, name="Mine")
    )
    assert (changed.threshold, changed.name, changed.company) == (0.9, "Mine", halvern)
    rule_delete(actor=analyst, rule_id=rule.pk)
    assert not Rule.objects.exists()
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["rule.created", "rule.changed", "rule.deleted"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (RuleInput(), "company"),
        (RuleInput(company_id=99_999), "company"),
        (RuleInput(sentiment="gloomy"), "sentiment"),
        (replace(BAD, threshold=1.5), "threshold"),
        (replace(BAD, threshold=float("nan")), "threshold"),
        (RuleInput(topic="Gossip"), "topic"),
        (replace(BAD, cooldown_minutes=-1), "cooldown_minutes"),
        (replace(BAD, sector="Alchemy"), "sector"),
        (replace(BAD, words="a"), "words"),
        (replace(BAD, words=",".join(f"phrase {n}" for n in range(11))), "words"),
        (replace(BAD, least_risk=1.1), "least_risk"),
        (replace(BAD, least_novelty=float("nan")), "least_novelty"),
        (RuleInput(least_novelty=0.5), "company"),
    ],
)
def test_an_unusable_rule_names_its_field(analyst: User, wanted: RuleInput, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rule_create(actor=analyst, wanted=wanted)
    assert field in caught.value.fields
    assert not Rule.objects.exists()


def test_only_analysts_have_rules(member: User, operator: User) -> None:
    for user in (member, operator):
        with pytest.raises(NotAllowed):
            rule_create(actor=user, wanted=BAD)


def test_nobody_else_changes_a_rule(analyst: User, colleague: User, member: User) -> None:
    rule = RuleFactory(owner=analyst)
    for other in (colleague, member):
        with pytest.raises(NotFound):
            rule_update(actor=other, rule_id=rule.pk, wanted=BAD)
        with pytest.raises(NotFound):
            rule_delete(actor=other, rule_id=rule.pk)


def test_a_rule_is_told_in_plain_words(analyst: User, halvern: Company) -> None:
    def sentence(wanted: RuleInput) -> str:
        return rule_sentence(rule_draft(wanted=wanted, owner=analyst))

    assert sentence(replace(BAD, cooldown_minutes=60)) == (
        "Alert me when news about any company is bad for it (at least 70% sure), "
        "once per story and at most once an hour per company."
    )
    wanted = RuleInput(company_id=halvern.pk, topic="Dividend", cooldown_minutes=30)
    assert sentence(wanted) == (
        "Alert me when news about Halvern Steel on Dividend comes in, "
        "once per story and at most once in 30 minutes."
    )


@pytest.fixture
def steel(halvern: Company) -> Company:
    halvern.sector = "Steel"
    halvern.save(update_fields=["sector"])
    return halvern


def test_a_rule_is_about_one_company_or_a_group(analyst: User, steel: Company) -> None:
    for group in ({"watched": True}, {"sector": steel.sector}):
        wanted = replace(BAD, company_id=steel.pk, **group)
        with pytest.raises(InvalidInput, match="not both"):
            rule_create(actor=analyst, wanted=wanted)


def test_groups_words_risk_and_novelty_are_told_in_plain_words(
    analyst: User, steel: Company
) -> None:
    wanted = RuleInput(
        sector=steel.sector, words="Strike,  plant   fire, strike", least_risk=0.5, watched=True
    )
    rule = rule_draft(wanted=wanted, owner=analyst)
    assert rule.words == "strike, plant fire"
    assert rule_sentence(rule) == (
        "Alert me when news of at least 50% risk with “strike” or “plant fire” about any company "
        f"in {steel.sector} on my watchlist comes in, once per story."
    )
    assert steel.sector in rule.name
    assert rule_input(rule_create(actor=analyst, wanted=wanted)) == replace(
        wanted, words=rule.words, name=rule.name
    )


def test_the_history_asks_for_all_of_it(analyst: User, colleague: User, steel: Company) -> None:
    other = CompanyFactory(sector="Banks")
    WatchedCompany.objects.create(owner=analyst, company=other)
    WatchedCompany.objects.create(owner=colleague, company=steel)
    for company, title, risk, novelty in (
        (steel, "Halvern halts after a plant fire", 0.9, 1.0),
        (other, "A bank offers plants to customers", 0.2, 0.25),
    ):
        article = ArticleFactory(title=title, body="")
        ScoreFactory(article=article, risk=risk, novelty=novelty)
        ScoreFactory(article=article, company=company, risk=risk, novelty=novelty)

    def found(**conditions: Any) -> list[str]:
        rule = rule_draft(wanted=RuleInput(**conditions), owner=analyst)
        return [article.title.split()[0] for article in rule_history(rule=rule).examples]

    assert found(watched=True) == ["A"]
    assert found(sector=steel.sector) == ["Halvern"]
    assert found(sector="Banks", watched=True) == ["A"]
    assert found(words="plant") == ["Halvern"]
    assert found(words="PLANT  fire, strike") == ["Halvern"]
    assert found(words="plants, plant") == ["A", "Halvern"]
    assert found(least_risk=0.5) == ["Halvern"]
    assert found(words="plant, plants", least_novelty=0.5) == ["Halvern"]


def test_the_history_counts_stories_once_per_company(analyst: User, halvern: Company) -> None:
    first = ArticleFactory()
    repeat = ArticleFactory(story=first)
    for article in (first, repeat):
        ScoreFactory(article=article)
        ScoreFactory(article=article, company=halvern)
    ScoreFactory(article=ArticleFactory(), negative=0.5)
    old = ArticleFactory(published_at=timezone.now() - timedelta(days=40))
    ScoreFactory(article=old)
    alone = ScoreFactory(article=ArticleFactory()).article
    history = rule_history(rule=rule_draft(wanted=BAD, owner=analyst))
    assert history.alerts == 2
    assert history.wrong == pytest.approx(0.2)
    assert {example.article.pk for example in history.examples} == {first.pk, alone.pk}
    about = rule_history(rule=rule_draft(wanted=replace(BAD, company_id=halvern.pk), owner=analyst))
    assert (about.alerts, about.days) == (1, 30)
    topic = rule_draft(wanted=RuleInput(topic="Earnings"), owner=analyst)
    nothing = rule_history(rule=topic)
    assert (nothing.alerts, nothing.wrong) == (0, None)


def test_the_history_tells_what_it_keeps_from_its_owner(analyst: User, halvern: Company) -> None:
    def bad(minutes_ago: float, **more: object) -> None:
        ScoreFactory(
            company=halvern,
            article=ArticleFactory(
                published_at=timezone.now() - timedelta(minutes=minutes_ago), **more
            ),
        )

    first = ArticleFactory(published_at=timezone.now() - timedelta(minutes=500))
    ScoreFactory(company=halvern, article=first)
    bad(450, story=first)
    bad(470)
    bad(300)
    draft = rule_draft(wanted=replace(BAD, cooldown_minutes=60), owner=analyst)
    history = rule_history(rule=draft)
    assert (history.alerts, history.repeats, history.rested) == (2, 1, 1)
    assert history.suppressed == 2
    assert history.lead == Lead(stories=2, followed=1, minutes=50.0)
    assert rule_history(rule=rule_draft(wanted=BAD, owner=analyst)).rested == 0


@pytest.mark.parametrize(
    ("group", "kept"), [("watchlist", ("", True)), ("sector:Steel", ("Steel", False))]
)
def test_the_form_keeps_groups_and_words(
    analyst: User, steel: Company, client_for: ClientFor, group: str, kept: tuple[str, bool]
) -> None:
    client = client_for(analyst)
    given = {"group": group, "words": "fire", "least_risk": "40", "threshold": "70"}
    assert client.post("/market/rules/", given).status_code == 302
    rule = Rule.objects.get()
    assert ((rule.sector, rule.watched), rule.words, rule.least_risk) == (kept, "fire", 0.4)
    page = client.get(f"/market/rules/{rule.pk}/").content.decode()
    assert 'name="words" maxlength="600" value="fire"' in page
    assert f'<option value="{group}" selected>' in page
    wrong = client.post("/market/rules/", given | {"group": "everything"})
    assert wrong.status_code == 422
    assert "Choose your watchlist" in wrong.content.decode()
