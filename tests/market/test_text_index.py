"""The index behind the search for words: same rows as a look through all of them."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Q

from apps.market import text_index
from apps.market.conditions import phrases_of, words_hold
from apps.market.models import Article
from apps.market.selectors.tape import holding
from tests.market.factories import ArticleFactory

pytestmark = pytest.mark.django_db
only_sqlite = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL keeps its index by itself"
)

# fmt: off
TEXTS = [
    "halts halv", "HALV", "5%", "%", "_", "a_b", '"no"', '"', "3,5 km; 1",
    "\u00d6sterr", "\u00f6sterr", "of 5% or more\nin", "zzz", "  ", "no",
    "fire OR nothing", "*", "AND", "'); --",
]
WORDS = [
    "supplier fire", "fire", "halts", "gas, much", "km of", "stra\u00dfe, first", "\u00f6sterreich",
    "strasse", "kelvin", "office", "pliers", "zzz", "no", "ssssssssssssssssss", '"no"',
]
# fmt: on


@pytest.fixture
def archive() -> dict[str, Article]:
    texts = {
        "fire": ("Supplier fire halts Halvern", "Flames were seen for 3,5 km; 100% of it is gone."),
        "quotes": ('Says "no" to a_b', "Growth of 5% or more\nin Österreich"),
        "plain": ("Nothing much", ""),
    }
    return {name: ArticleFactory(title=title, body=body) for name, (title, body) in texts.items()}


def _found(text: str) -> set[int]:
    return set(holding(Article.objects.all(), text).values_list("id", flat=True))


@pytest.mark.parametrize("text", TEXTS)
def test_finds_what_a_look_at_every_row_finds(archive: dict[str, Article], text: str) -> None:
    rows = Article.objects.filter(Q(title__icontains=text) | Q(body__icontains=text))

    assert _found(text) == set(rows.values_list("id", flat=True))


def test_follows_changes_and_deletions(archive: dict[str, Article]) -> None:
    changed = archive["fire"]
    changed.title = "Supplier flood halts Halvern"
    changed.save()
    archive["plain"].delete()

    assert _found("plier flood") == {changed.pk}
    assert _found("plier fire") == set()
    assert _found("Nothing much") == set()


@only_sqlite
def test_articles_beside_the_candidates_are_not_read(archive: dict[str, Article]) -> None:
    assert text_index.candidates("lames were") == [archive["fire"].pk]
    assert text_index.candidates("zzz") == []
    assert text_index.candidates("no\0t") is None  # SQLite would read the words before it alone


@pytest.mark.parametrize("words", WORDS)
def test_phrases_are_found_however_they_are_spelt(archive: dict[str, Article], words: str) -> None:
    for title in (
        "Supplier\n fire",
        "STRA\u1e9eE",
        "\u212aelvin o\ufb03ce",
        "\ufb01rst",
        "stra\u00dfe",
    ):
        ArticleFactory(title=title, body="")
    every = {row.pk: f"{row.title}\n{row.body}" for row in Article.objects.all()}
    wanted = {pk for pk, text in every.items() if words_hold(words, text)}

    known = text_index.phrase_candidates(phrases_of(words))

    assert known is None or wanted <= set(known)


@only_sqlite
def test_reads_the_rows_where_very_many_may_hold_a_text(
    archive: dict[str, Article], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_index, "MANY", 0)

    assert text_index.candidates("Halvern") is None
    assert _found("Halvern") == {archive["fire"].pk}


@only_sqlite
def test_an_index_whose_triggers_went_with_a_remade_table_is_made_anew() -> None:
    with connection.cursor() as cursor:
        for name in ("new", "gone", "changed"):
            cursor.execute(f"DROP TRIGGER market_article_text_{name}")
    missed = ArticleFactory(title="Stored meanwhile", body="")
    assert _found("meanwhile") == set()

    text_index.make_index()

    assert _found("meanwhile") == {missed.pk}
    later = ArticleFactory(title="Stored afterwards", body="")
    assert _found("afterwards") == {later.pk}
