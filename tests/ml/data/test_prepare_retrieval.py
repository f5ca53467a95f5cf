"""The pairs that tune the encoder of help articles, from small sets in the public sets' layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from ml.data import prepare_retrieval
from ml.data.pairs import PairRow, read_pairs
from ml.data.prepare import prepare
from ml.data.prepare_retrieval import read_knowledge
from ml.data.readers import write_jsonl
from ml.data.splits import text_key
from ml.errors import DataError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two intents with an article each, an article without one, and other sets."""
    knowledge = tmp_path / "knowledge"
    knowledge.mkdir()
    for name in ("lost", "rate", "other"):
        tag = "" if name == "other" else f'"intent:{name}", '
        (knowledge / f"{name}.md").write_text(
            f'---\nid: {name}\ntitle: About {name}\ntags: [{tag}"cards"]\n'
            f'questions:\n  - "what of {name}"\n---\n\nBody of {name}. {"More of it. " * 30}\n',
            encoding="utf-8",
        )
    monkeypatch.setattr(prepare_retrieval, "KNOWLEDGE", knowledge)
    folder = tmp_path / "data"
    banking = [
        {"text": f"{name} asked in way {i}", "label": name}
        for name in ("lost", "rate")
        for i in range(60)
    ]
    write_jsonl(folder / "intents/banking77_train.jsonl", [*banking, banking[0]])
    for name in ("clinc150_train", "hwu64_train", "bitext_8k"):
        rows = [
            {"text": f"{name} {label} {i}", "label": label}
            for label in ("weather", "transfer")
            for i in range(40)
        ]
        write_jsonl(folder / f"intents/{name}.jsonl", [*rows, banking[0], *banking[55:60]])
    prose = [{"tokens": ["Prose", str(i), "."], "tags": ["O"] * 3} for i in range(5)]
    write_jsonl(folder / "ner/wikigold.jsonl", prose)
    return folder


@pytest.fixture
def prepared(data: Path, tmp_path: Path) -> tuple[list[PairRow], list[PairRow]]:
    prepare("support_encoder", data, tmp_path / "out")
    training, valid = (
        list(read_pairs(tmp_path / f"out/support_encoder_{part}.jsonl"))
        for part in ("train", "valid")
    )
    return training, valid


def test_every_question_has_the_title_of_its_article(
    prepared: tuple[list[PairRow], list[PairRow]],
) -> None:
    training, valid = prepared
    assert len(valid) == 6
    assert all(row.positive == f"About {row.label}" for row in valid)
    titled = [row for row in training if row.positive == f"About {row.label}"]
    assert len({row.text for row in titled if "asked" in row.text}) == 114


def test_no_held_out_question_is_trained_on(
    prepared: tuple[list[PairRow], list[PairRow]],
) -> None:
    training, valid = prepared
    seen = {text_key(text) for row in training for text in (row.text, row.positive or "")}
    assert not seen & {text_key(row.text) for row in valid}


def test_pieces_and_written_questions_are_pairs_too(
    prepared: tuple[list[PairRow], list[PairRow]],
) -> None:
    training, _ = prepared
    pieces = [row for row in training if row.positive and "More of it." in row.positive]
    assert all(row.positive and row.positive.startswith("About ") for row in pieces)
    assert {"lost", "rate", "article other"} == {row.label for row in pieces}
    assert {"what of lost", "what of rate"} <= {row.positive for row in training}
    assert {"what of lost", "what of other"} <= {row.text for row in training}


def test_texts_about_other_matters_are_kept(
    prepared: tuple[list[PairRow], list[PairRow]],
) -> None:
    training, _ = prepared
    kept = [row.text for row in training if row.keep]
    assert sum("clinc150_train weather" in text for text in kept) == 10
    assert any("hwu64_train weather" in text for text in kept)
    assert any("bitext_8k weather" in text for text in kept)
    assert "Prose 3 ." in kept
    assert not any("transfer" in text for text in kept)


def test_an_intent_without_an_article_is_named(data: Path, tmp_path: Path) -> None:
    rows = [{"text": f"fee {i}", "label": "fee"} for i in range(40)]
    write_jsonl(data / "intents/banking77_train.jsonl", rows)
    with pytest.raises(DataError, match="no article has the intent 'fee'"):
        prepare("support_encoder", data, tmp_path / "out")


def test_the_demo_articles_can_be_read() -> None:
    articles = read_knowledge()
    intents = [name for article in articles for name in article.intents]
    assert len(intents) == len(set(intents)) == 77
    assert len(articles) == len({article.document.id for article in articles}) > 77


def test_an_article_without_a_title_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text("---\nid: x\n---\n\nBody.\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"x\.md: has no title"):
        read_knowledge(tmp_path)
