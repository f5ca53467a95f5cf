from __future__ import annotations

import pytest
from django.utils import timezone

from apps.market import corrected, tasks
from apps.market.models import Article, Fingerprint, Source
from apps.market.services import intake
from tests.market.factories import news, score, store

pytestmark = pytest.mark.django_db(transaction=True)

BODY = (
    "Germany's Halvern blamed cheap imports and high power prices for the decision. "
    "Unions called it a breach of last year's agreement on jobs."
)
TITLE = "Halvern Steel to shut Duisburg furnace and cut 2,100 jobs"


def test_the_same_article_a_hundred_times_is_stored_once() -> None:
    record = news(TITLE, BODY, url="https://w.example/1")
    first, *others = store(*[record] * 100)
    assert first.status == "created"
    assert {(other.article_id, other.status) for other in others} == {
        (first.article_id, "unchanged")
    }
    assert store(record)[0].status == "unchanged"
    assert Article.objects.count() == Source.objects.count() == 1


def test_the_same_words_under_a_hundred_addresses_are_one_story() -> None:
    records = [news(TITLE, BODY, url=f"https://w.example/{number}") for number in range(100)]
    first, *others = store(*records)
    assert first.repeats is None
    assert {other.repeats for other in others} == {first.article_id}


def test_another_text_under_the_same_address_is_a_revision_that_is_scored_anew() -> None:
    store(news("Halvern soars", url="https://w.example/1"))
    score()
    outcome = store(news("Halvern plunges", "Now it fell.", url="https://w.example/1"))[0]
    article = Article.objects.get()
    assert (outcome.status, article.revision, article.status) == ("updated", 2, "stored")
    score()
    assert article.scores.get(company=None).label == "negative"


@pytest.mark.parametrize(
    ("title", "body"),
    [
        (f"UPDATE 1-{TITLE}", BODY),
        (f"{TITLE} - Fathom Business News", f"(Pacific Tape) - {BODY}"),
        (TITLE, BODY + " The mayor was not told beforehand."),
        (TITLE.replace("2,100", "2100"), BODY.replace("decision", "move")),
    ],
)
def test_a_near_duplicate_joins_the_story(title: str, body: str) -> None:
    first = store(news(TITLE, BODY, url="https://w.example/1"))[0]
    again = store(news(title, body, url="https://v.example/9", source="Other Wire"))[0]
    assert again.repeats == first.article_id


def test_a_repeat_of_a_repeat_belongs_to_the_first_article() -> None:
    outcomes = store(*[news(TITLE, BODY, url=f"https://w.example/{n}") for n in range(3)])
    assert {outcome.repeats for outcome in outcomes[1:]} == {outcomes[0].article_id}


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Lumenor Chemicals to shut Antwerp plant and cut 900 jobs", "Demand for polymers fell."),
        ("Halvern Steel raises dividend after record year", "The payout is the first since 2019."),
    ],
)
def test_other_news_is_another_story(title: str, body: str) -> None:
    store(news(TITLE, BODY, url="https://w.example/1"))
    assert store(news(title, body, url="https://w.example/2"))[0].repeats is None


def test_the_same_words_weeks_later_are_another_story() -> None:
    store(news(TITLE, BODY, url="https://w.example/1", minutes_ago=60 * 24 * 20))
    assert store(news(TITLE, BODY, url="https://w.example/2"))[0].repeats is None


def test_a_correction_is_linked_though_its_words_differ() -> None:
    first = store(
        news(
            "Summit chief Ravi Teller sells a third of his stake under prearranged plan",
            "Regulatory filings show Teller disposed of 410,000 shares. He still holds 1.9%.",
            minutes_ago=90,
        ),
        news("Orchard opens sixty shops", "They are in Mexico.", minutes_ago=80),
    )[0]
    outcome = store(
        news(
            "CORRECTED-Summit chief Ravi Teller sells a tenth of his stake",
            "Corrects proportion. Filings show Teller disposed of 410,000 shares.",
        )
    )[0]
    assert outcome.repeats == first.article_id
    assert Article.objects.get(id=outcome.article_id).correction == "corrected"


def test_a_correction_of_nothing_that_is_known_stands_alone() -> None:
    store(news("Orchard opens sixty shops", "They are in Mexico."))
    outcome = store(news("CORRECTED-Halvern sells a tenth of its stake", "Corrects proportion."))[0]
    assert outcome.repeats is None


def test_a_correction_finds_its_story_behind_much_other_news(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(corrected, "_READ", 3)
    filings = "Regulatory filings show Teller disposed of 410,000 shares. He still holds 1.9%."
    first = store(news("Summit chief Ravi Teller sells a third", filings, minutes_ago=90))[0]
    store(*[news(f"Orchard opens shop {n} in Mexico", minutes_ago=9) for n in range(4)])
    title = "CORRECTED-Summit chief sells a tenth"
    late = store(news(title, "Corrects proportion. Teller disposed of 410,000 shares."))[0]
    assert late.repeats == first.article_id


def test_a_clock_in_the_future_is_not_believed() -> None:
    store(news("Halvern gains", minutes_ago=-60 * 24 * 400))
    article = Article.objects.get()
    assert article.time_corrected
    assert article.published_at == article.received_at <= timezone.now()


def test_a_clock_a_little_ahead_is_believed() -> None:
    store(news("Halvern gains", minutes_ago=-2))
    assert not Article.objects.get().time_corrected


def test_old_news_is_archive_unless_it_is_replayed() -> None:
    old = {"minutes_ago": 60 * 24 * 9}
    store(news("Halvern gains", **old))
    store(news("Skyrill gains", **old), live=True)
    assert list(Article.objects.order_by("id").values_list("live", flat=True)) == [False, True]


def test_nothing_of_a_chunk_is_stored_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **more: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(intake, "prints_store", fail)
    with pytest.raises(OSError, match="disk full"):
        store(news("Halvern gains"), news("Skyrill gains"))
    assert not Article.objects.exists()


def test_sources_keep_the_kind_of_their_first_door() -> None:
    store(news("Halvern gains"))
    store(news("Skyrill gains", source="Second"))
    assert set(Source.objects.values_list("name", "kind")) == {
        ("Test Wire", "api"),
        ("Second", "api"),
    }


def test_a_revised_first_article_stays_the_first_of_its_story() -> None:
    store(news("Orchard opens sixty shops", "They are in Mexico.", url="https://w.example/0"))
    first, repeat = store(
        news(TITLE, BODY, url="https://w.example/1"), news(TITLE, BODY, url="https://w.example/2")
    )
    store(news("Orchard opens sixty shops", "They are in Mexico.", url="https://w.example/1"))
    assert Article.objects.get(id=first.article_id).story_id is None
    assert Article.objects.get(id=repeat.article_id).story_id == first.article_id


def test_the_lookup_reads_a_fixed_number_of_times(django_assert_max_num_queries: object) -> None:
    store(*[news(f"Headline {n} about Halvern", url=f"https://w.example/{n}") for n in range(50)])
    records = [news(f"Other words {n} entirely", url=f"https://v.example/{n}") for n in range(20)]
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        store(*records)


def test_fingerprints_are_forgotten_once_nothing_can_repeat_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tasks, "_PRUNED_AT_ONCE", 20)
    old = [news(f"Halvern gains {n}", minutes_ago=60 * 24 * 10 + n) for n in range(4)]
    store(*old, news("Skyrill gains"))
    assert tasks.prune_fingerprints.func() == 4 * 16
    assert Fingerprint.objects.count() == 16
    assert set(Fingerprint.objects.values_list("article__title", flat=True)) == {"Skyrill gains"}


def test_articles_of_a_chunk_that_tell_a_stored_story_count_each_other() -> None:
    title = "Halvern to close its old mill in Lyon"
    store(news(title, minutes_ago=90))
    again = [news(f"UPDATE {n}-{title}", minutes_ago=60 - n, external_id=f"{n}") for n in range(3)]
    other = news("Skyrill to buy eight aircraft", minutes_ago=50)
    outcomes = store(again[0], other, *again[1:])
    found = [Article.objects.get(id=outcome.article_id) for outcome in outcomes]
    assert [article.novelty for article in found] == [0.5, 1.0, 0.25, 0.125]


def test_an_article_and_its_revision_in_one_chunk() -> None:
    outcomes = store(
        news("Halvern gains", external_id="1"),
        news("Skyrill gains", external_id="2"),
        news("Halvern gains four percent", external_id="1"),
    )
    assert [outcome.status for outcome in outcomes] == ["created", "created", "updated"]
    assert outcomes[0].article_id == outcomes[2].article_id
    article = Article.objects.get(external_id="1")
    assert (article.title, article.revision) == ("Halvern gains four percent", 2)
