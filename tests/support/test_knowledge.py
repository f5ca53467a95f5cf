from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.core import gateway
from apps.core.errors import ModelUnavailable
from apps.support import importing, knowledge
from apps.support.models import Article
from ml.serving.fakes import FakeEngine
from tests.support.conftest import Silent

pytestmark = pytest.mark.django_db


def stored(slug: str, title: str = "A title", body: str = "Some text.") -> None:
    row = importing.ArticleRow(slug, title, body, ("intent:x",), ())
    importing.articles_import(rows=[row], progress=Silent())


def embedded(engine: FakeEngine) -> list[str]:
    """The texts embedded since the last call."""
    batches = [batch for task, batch in engine.gate.batches if task in knowledge.ENCODER_TASKS]
    texts = [text for batch in batches for text in batch]
    engine.gate.batches.clear()
    return [text for text in texts if text != "dimensions"]


def test_only_changed_articles_are_embedded_again(engine: FakeEngine) -> None:
    stored("one", "First")
    stored("two", "Second")
    assert set(knowledge.current().articles) == {"one", "two"}
    embedded(engine)
    stored("two", "Second, renamed")
    assert knowledge.current().articles["two"].title == "Second, renamed"
    texts = embedded(engine)
    assert texts
    assert not any("First" in text for text in texts)


def test_an_import_that_changes_nothing_keeps_the_index(engine: FakeEngine) -> None:
    stored("one")
    before = knowledge.current()
    stored("one")
    assert knowledge.current() is before


@pytest.mark.django_db(transaction=True)
def test_a_process_that_answers_follows_a_change_at_once(engine: FakeEngine) -> None:
    stored("one")
    embedded(engine)
    knowledge.forget()
    stored("two")
    assert embedded(engine) == []  # nobody is answered here
    knowledge.current()
    stored("three")
    assert set(knowledge.latest().articles) == {"one", "two", "three"}


@pytest.mark.django_db(transaction=True)
def test_a_change_is_stored_while_the_encoder_is_away(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored("one")
    knowledge.current()

    def away() -> str:
        raise ModelUnavailable("away")

    monkeypatch.setattr(knowledge, "best_encoder", away)
    stored("two")
    assert Article.objects.filter(slug="two").exists()
    assert set(knowledge.latest().articles) == {"one"}


def test_a_new_process_reads_the_stored_index(engine: FakeEngine) -> None:
    stored("one", "When will my card arrive?")
    knowledge.current()
    embedded(engine)
    knowledge.forget()
    known = knowledge.current()
    assert embedded(engine) == []
    (vector,) = gateway.embed(["when will my card arrive"])
    assert known.search("when will my card arrive", vector)[0].document_id == "one"
    assert embedded(engine) == ["when will my card arrive"]


def test_a_damaged_stored_index_is_made_anew(engine: FakeEngine, settings: Any) -> None:
    stored("one")
    knowledge.current()
    for file in Path(settings.SUPPORT_INDEX_DIR).iterdir():
        file.write_bytes(file.read_bytes()[:20])
    knowledge.forget()
    embedded(engine)
    assert "one" in knowledge.current().articles
    assert embedded(engine)


def test_another_encoder_makes_another_index(engine: FakeEngine) -> None:
    stored("one")
    knowledge.current()
    embedded(engine)
    engine.models.promote("encoder", "fake-2")
    assert knowledge.current().index.encoder_version == "encoder fake-2"
    assert embedded(engine)


def test_the_tuned_encoder_is_used_once_it_is_there(engine: FakeEngine) -> None:
    stored("one", "When will my card arrive?")
    assert knowledge.current().encoder_task == knowledge.encoder_task() == "encoder"
    embedded(engine)
    engine.models.promote("support_encoder", "fake-1")
    known = knowledge.current()
    assert known.encoder_task == knowledge.encoder_task() == "support_encoder"
    assert known.index.encoder_version == "support_encoder fake-1"
    assert {task for task, _ in engine.gate.batches} == {"support_encoder"}
    assert any("card arrive" in text for text in embedded(engine))
    assert knowledge.search_slugs("when will my card arrive") == ["one"]
    assert {task for task, _ in engine.gate.batches} == {"support_encoder"}


def test_a_stored_index_of_another_encoder_is_not_used(engine: FakeEngine) -> None:
    stored("one")
    knowledge.current()
    knowledge.forget()
    engine.models.promote("support_encoder", "fake-1")
    embedded(engine)
    assert knowledge.current().encoder_task == "support_encoder"
    assert embedded(engine)


def test_a_question_of_another_encoder_than_the_index_is_encoded_again(
    engine: FakeEngine,
) -> None:
    stored("one", "When will my card arrive?")
    knowledge.current()
    question = "when will my card arrive"
    (before,) = gateway.encode([question])
    engine.models.promote("encoder", "fake-2")
    (after,) = gateway.encode([question])

    known, hits = knowledge.retrieve(question, after)
    assert known.fits(after)
    assert hits[0].document_id == "one"
    embedded(engine)
    known, hits = knowledge.retrieve(question, before)
    assert not known.fits(before)
    assert hits[0].document_id == "one"
    assert embedded(engine) == [question]


def test_without_any_encoder_it_is_said(engine: FakeEngine, monkeypatch: Any) -> None:
    monkeypatch.setattr(engine.models, "infos", list)
    with pytest.raises(ModelUnavailable, match="build_models"):
        knowledge.current()


def test_unpublished_and_deleted_articles_are_not_found(engine: FakeEngine) -> None:
    stored("one")
    stored("two")
    Article.objects.filter(slug="one").update(published=False)
    importing.article_delete(slug="two")
    known = knowledge.current()
    assert known.articles == {}
    (vector,) = gateway.embed(["Some text."])
    assert known.search("Some text.", vector) == []


@pytest.fixture
def small_engine(engine: FakeEngine) -> Iterator[FakeEngine]:
    """An engine whose queue holds less than the articles below need."""
    small = FakeEngine({"intent": {}}, capacity=80)
    gateway.use_engine(small)
    yield small
    gateway.use_engine(engine)
    small.close()


def test_many_articles_do_not_overrun_the_queue(small_engine: FakeEngine) -> None:
    rows = [importing.ArticleRow(f"a{n}", f"T {n}", "Text.", (), ()) for n in range(300)]
    importing.articles_import(rows=rows, progress=Silent())
    assert len(knowledge.current().articles) == 300


def test_answers_go_on_with_the_former_articles_while_a_renewal_runs(engine: FakeEngine) -> None:
    stored("one")
    before = knowledge.current()
    stored("two")
    assert knowledge.latest() is before
    assert set(knowledge.current().articles) == {"one", "two"}
    assert knowledge.latest() is knowledge.current()


def test_the_articles_as_they_are_answer_until_a_promoted_encoder_has_read_them(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.models.promote("support_encoder", "s-1")
    stored("one", "When will my card arrive?")
    before = knowledge.current()
    monkeypatch.setattr(knowledge, "_renewing", threading.Event())
    knowledge._renewing.set()  # as in a server, which makes them anew by itself
    engine.models.promote("support_encoder", "s-2")
    question = "when will my card arrive"
    (embedding,) = gateway.encode([question], task="support_encoder")
    engine.gate.batches.clear()
    known, hits = knowledge.retrieve(question, embedding)
    assert known is before
    assert hits[0].document_id == "one"
    assert engine.gate.batches == [("support_encoder@s-1", (question,))]
    assert knowledge.current().encoder_version == "s-2"
    assert knowledge.retrieve(question, embedding)[0].encoder_version == "s-2"


def test_how_far_the_articles_are_with_a_promoted_encoder_is_told(engine: FakeEngine) -> None:
    engine.models.promote("support_encoder", "s-1")
    for n in range(70):
        stored(f"a{n}", f"Title {n}")
    knowledge.current()
    assert knowledge.changeover("support_encoder") is None
    engine.models.promote("support_encoder", "s-2")
    told: list[tuple[int, int]] = []

    class Looking(Silent):
        def update(self, done: int, total: int, message: str = "") -> None:
            found = knowledge.changeover("support_encoder")
            assert found is not None
            assert (found.answering, found.coming) == ("s-1", "s-2")
            told.append((found.done, found.total))

    waiting = knowledge.changeover("support_encoder")
    assert waiting is not None
    assert (waiting.done, waiting.total) == (0, 0)
    knowledge.current(Looking())
    (total,) = {total for _, total in told}
    assert total >= 70
    assert [done for done, _ in told] == [*range(0, total, 64), total]
    assert knowledge.changeover("support_encoder") is None


def test_a_version_on_trial_reads_the_articles_and_leaves_nothing(engine: FakeEngine) -> None:
    engine.models.promote("support_encoder", "s-1")
    stored("one", "When will my card arrive?")
    before = knowledge.current()
    with knowledge.read_by("support_encoder", "s-2"):
        (embedding,) = gateway.encode(["card"], task="support_encoder")
        known, _ = knowledge.retrieve("card", embedding)
        assert known.encoder_version == knowledge.current().encoder_version == "s-2"
    assert knowledge.current() is before
    knowledge.forget()
    embedded(engine)
    assert knowledge.current().encoder_version == "s-1"
    assert embedded(engine) == []
