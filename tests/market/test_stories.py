"""Near-duplicates: repeats join their story, what differs in a fact does not, novelty decays."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.market import stories
from apps.market.models import Article
from apps.market.perturbing import RETELLINGS, retell
from apps.market.text import content_words, contradicts, headline_facts, shingles
from tests.market.factories import news, store

pytestmark = pytest.mark.django_db


def contradict(one: str, other: str) -> bool:
    return contradicts(
        headline_facts(one),
        shingles(content_words(one, "")),
        headline_facts(other),
        shingles(content_words(other, "")),
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Orbelan raises dividend to 40 cents", "Orbelan raises dividend to 44 cents"),
        ("Orbelan raises dividend to 40 cents", "Pelloria raises dividend to 40 cents"),
        ("Mossbury cuts Velmont to sell", "Mossbury cuts Kirimoto to sell"),
    ],
)
def test_another_number_or_name_is_another_story(one: str, other: str) -> None:
    assert contradict(one, other)
    first, second = store(news(one), news(other))
    assert first.repeats is None
    assert second.repeats is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Orbelan raises dividend to 40 cents", "UPDATE 1-ORBELAN RAISES DIVIDEND TO 40 CENTS"),
        ("Orbelan to close its mill, cutting 1,200 jobs", "Orbelan to close mill, cutting jobs"),
        ("Orbelan earns 3 mln euros", "Orbelan Earns 3 Million Euros - Harbour Wire"),
        ("Orbelan to close its old mill", "Orbelan to close old mill - sources"),
    ],
)
def test_the_same_in_other_words_repeats_the_story(one: str, other: str) -> None:
    assert not contradict(one, other)
    first, second = store(news(one), news(other, external_id="another"))
    assert second.repeats == first.article_id


def test_novelty_halves_with_each_telling_of_a_day() -> None:
    title = "Orbelan to close its old mill in Lyon"
    outcomes = store(
        news(title, minutes_ago=3000),
        news(f"UPDATE 1-{title}", minutes_ago=60, external_id="60"),
        news(f"UPDATE 2-{title}", minutes_ago=40, external_id="40"),
        news(f"RPT-{title}", minutes_ago=20, external_id="20"),
        news(f"CORRECTED-{title}", minutes_ago=10),
    )
    novelties = [Article.objects.get(id=outcome.article_id).novelty for outcome in outcomes]
    assert novelties == [1.0, 1.0, 0.5, 0.25, 1.0]


def test_every_retelling_changes_a_headline_and_is_the_same_for_a_seed() -> None:
    title = "Halvern to close its mill, cutting 3 million hours"
    for change in RETELLINGS:
        assert change(title, random.Random(3)) != title
    assert retell(title, random.Random(5)) == retell(title, random.Random(5))


def _run(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    call_command("evaluate_stories", json=True, **options)
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return told


def test_the_written_stories_are_told_apart_and_nothing_stays_stored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = _run(capsys)
    assert told["f1"] >= 0.95
    assert told["sets"].keys() == {"written", "retold"}
    assert not Article.objects.exists()


def test_wrong_pairs_are_counted_and_listed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [("a", "Orbelan closes mill"), ("b", "Orbelan closes its mill"), ("b", "Rain in Lyon")]
    path.write_text("".join(json.dumps({"story": s, "title": t}) + "\n" for s, t in rows))
    told = _run(capsys, file=path)["sets"]["written"]
    assert (told["precision"], told["recall"], told["f1"]) == (0.0, 0.0, 0.0)
    assert {failure["kind"] for failure in told["failures"]} == {"merged", "missed"}


def test_a_file_without_stories_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"title": "No story"}\n')
    with pytest.raises(CommandError, match="story"):
        call_command("evaluate_stories", file=path)


def test_text_that_thousands_share_is_found_without_reading_them_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One pattern of filings, and one article sent over and over; the bounds are small here."""
    monkeypatch.setattr(stories, "_AT_ONCE", 40)
    monkeypatch.setattr(stories, "_PER_VALUE", 3)
    seen = []
    real = stories.read_bounded

    def read(*arguments: Any, **more: Any) -> list[Any]:
        rows = real(*arguments, **more)
        seen.append(len(rows))
        return rows

    monkeypatch.setattr(stories, "read_bounded", read)
    body = "The filing was made under rule nine of the exchange, which asks for it each year."
    filings = [news(f"Filing number {n} of Halvern", body, external_id=f"f{n}") for n in range(40)]
    assert {outcome.repeats for outcome in store(*filings)} == {None}
    told = [news("Orchard opens sixty shops", "In Mexico.", external_id=f"s{n}") for n in range(60)]
    first, *others = store(*told)
    assert {outcome.repeats for outcome in others} == {first.article_id}
    again = store(news("Filing number 39 of Halvern", body, external_id="again"))
    assert again[0].repeats == Article.objects.get(external_id="f39").pk
    of_hash, of_bands = seen[-2:]
    assert (of_hash, 0 < of_bands <= 3 * 16) == (1, True)
