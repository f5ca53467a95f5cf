"""The training files of the shipped tasks, from small sets in the public sets' layout."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ml.cli import main
from ml.data.multi_label import read_multi_label
from ml.data.ner_labels import TAGS, to_shared_labels
from ml.data.prepare import (
    BANKING_LIKE_CLINC,
    prepare,
    prepare_intent,
    prepare_opposed_news,
    prepare_sentiment,
    prepare_targeted_sentiment,
)
from ml.data.readers import TaggedSentence, read_classification, read_ner, write_jsonl
from ml.data.splits import text_key
from ml.data.targeting import find_names
from ml.data.written.texts import HELD_OUT_STATEMENTS, statements
from ml.errors import DataError
from tests.ml.full_disk import full_disk


def _texts(label: str, number: int) -> list[dict[str, Any]]:
    return [{"text": f"{label} asked in way {i}", "label": label} for i in range(number)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    banking = [row for i in range(3) for row in _texts(f"bank{i}", 40)]
    repeated = [row | {"text": row["text"].upper()} for row in banking[:10]]
    clinc = [row for i in range(24) for row in _texts(f"chat{i}", 25)]
    clinc += [row for name in ("pin_change", "transfer") for row in _texts(name, 25)]
    write_jsonl(folder / "intents/banking77_train.jsonl", banking + repeated)
    write_jsonl(folder / "intents/clinc150_train.jsonl", clinc)
    write_jsonl(folder / "intents/clinc150_oos_train.jsonl", _texts("oos", 30))
    write_jsonl(
        folder / "intents/hwu64_train.jsonl",
        [*_texts("music", 30), {"text": "play something, you IDIOT", "label": "music"}],
    )
    unseen = [{"text": f"unseen {i}", "label": "oos"} for i in range(10)]
    write_jsonl(folder / "intents/clinc150_oos_valid.jsonl", unseen)
    tweets = [
        {"text": f"{label} tweet {i} https://t.example/{j}", "label": label}
        for label in ("negative", "neutral", "positive")
        for i in range(50)
        for j in range(2)
    ]
    tweets += [
        {"text": "$ABC gains https://t.example/1", "label": "positive"},
        {"text": "$ABC or $XYZ", "label": "neutral"},
        {"text": "Aldo Foods beats forecasts", "label": "positive"},
        {"text": "What a day", "label": "neutral"},
    ]
    write_jsonl(folder / "finance/twitter_financial_sentiment_train.jsonl", tweets)
    entities = [
        {"text": "A gains, B gains", "entities": {"A": "positive", "B": "positive"}},
        {"text": "A gains, B falls", "entities": {"A": "positive", "B": "negative"}},
    ]
    write_jsonl(folder / "finance/finentity_targeted_train.jsonl", entities)
    for i, name in enumerate(
        ("wnut17_train", "wnut17_valid", "broad_twitter_corpus", "wikigold", "uner_en_ewt_valid")
    ):
        rows = [
            {"tokens": ["Ann", "met", f"Firm{i}x{j}"], "tags": ["B-person", "O", "B-corporation"]}
            for j in range(20)
        ]
        shared = {"tokens": ["seen", "everywhere"], "tags": ["O", "B-product"]}
        write_jsonl(folder / f"ner/{name}.jsonl", [*rows, shared])
    return folder


def test_the_outliers_leave_out_what_is_like_banking_and_hold_back_whole_intents(
    data: Path,
) -> None:
    training, valid = prepare_intent(data)
    for rows in (training, valid):
        assert not any(row["text"].startswith(("pin_change", "transfer")) for row in rows)
    outside = [{row["text"] for row in rows if row["label"] == "oos"} for rows in (training, valid)]
    intents = [{text.split()[0] for text in texts} for texts in outside]
    assert len(intents[0] & {f"chat{i}" for i in range(24)}) == 4
    assert len(intents[1] & {f"chat{i}" for i in range(24)}) == 20
    assert not intents[0] & intents[1]
    assert "unseen" in intents[1]
    assert {"pin_change", "transfer"} <= BANKING_LIKE_CLINC


def test_intent_rows_are_split_by_text_and_label(data: Path) -> None:
    training, valid = prepare_intent(data)
    known = Counter(row["label"] for row in valid if row["label"] != "oos")
    assert known == {"bank0": 2, "bank1": 2, "bank2": 2}
    assert len([row for row in training if row["label"] != "oos"]) == 114  # repeats are gone
    keys = [{text_key(row["text"]) for row in rows} for rows in (training, valid)]
    assert not keys[0] & keys[1]


def test_public_texts_without_an_offensive_word_are_civil(data: Path, tmp_path: Path) -> None:
    counts = prepare("toxicity", data, tmp_path)
    parts = [
        list(read_multi_label(tmp_path / f"toxicity_{part}.jsonl")) for part in ("train", "valid")
    ]
    assert counts == {"train": len(parts[0]), "valid": len(parts[1])}
    keys = [{text_key(row.text) for row in rows} for rows in parts]
    assert not keys[0] & keys[1]
    labels = {text_key(row.text): row.labels for rows in parts for row in rows}
    public = {f"music asked in way {i}" for i in range(30)}
    assert public <= labels.keys()
    assert {labels[text] for text in public} == {()}
    assert text_key("play something, you IDIOT") not in labels
    held_out = [row.text for row in parts[1] if "asked in way" in row.text]
    assert 0.03 < len(held_out) / len([text for text in labels if "asked in way" in text]) < 0.25


def test_sentiment_drops_repeats_and_texts_whose_companies_disagree(
    data: Path, tmp_path: Path
) -> None:
    counts = prepare("sentiment", data, tmp_path / "out")
    rows = [
        list(read_classification(tmp_path / f"out/sentiment_{part}.jsonl"))
        for part in ("train", "valid")
    ]
    assert counts == {"train": len(rows[0]), "valid": len(rows[1])}
    texts = [text_key(row.text) for part in rows for row in part]
    assert len(set(texts)) == len(texts)
    assert text_key("A gains, B gains") in texts
    assert text_key("A gains, B falls") not in texts
    assert {row.label for part in rows for row in part} == {"negative", "neutral", "positive"}


def test_the_written_statements_are_mixed_in_and_some_patterns_held_out(data: Path) -> None:
    training, valid = ({text_key(row["text"]) for row in rows} for rows in prepare_sentiment(data))
    written = list(statements(per_pattern=dict.fromkeys(("positive", "neutral", "negative"), 1)))
    for row in written:
        assert text_key(row.text) in (valid if row.held_out else training)
    measured_only = {text_key(row.text) for row in read_classification(HELD_OUT_STATEMENTS)}
    assert not measured_only & (training | valid)


def test_targeted_rows_have_a_label_for_each_name_and_share_no_text(data: Path) -> None:
    training, valid = prepare_targeted_sentiment(data)
    texts = [[text_key(row["text"]) for row in rows] for rows in (training, valid)]
    assert not set(texts[0]) & set(texts[1])
    assert len(set(texts[0])) == len(texts[0])
    for row in (*training, *valid):
        assert all(find_names(row["text"], row["entities"]).values()), row
    # Tweets take part with their one cashtag or the name at their head, and not without them.
    assert {"text": "$ABC gains", "entities": {"$ABC": "positive"}} in training
    head = {"text": "Aldo Foods beats forecasts", "entities": {"Aldo Foods": "positive"}}
    assert head in training
    assert not {"$abc or $xyz", "what a day"} & set(texts[0])
    assert not [text for text in texts[0] if " tweet " in text]


def test_opposed_news_is_neither_in_the_shipped_rows_nor_in_both_of_its_parts(data: Path) -> None:
    learned, measured = prepare_opposed_news(data)
    shipped = [row["text"] for rows in prepare_targeted_sentiment(data) for row in rows]
    texts = [{text_key(row["text"]) for row in rows} for rows in (learned, measured)]
    assert not texts[0] & texts[1]
    assert not (texts[0] | texts[1]) & {text_key(text) for text in shipped}
    opposite = [row for row in measured if len(set(row["entities"].values())) > 1]
    assert len(opposite) > 0.6 * len(measured) > 100
    assert all(all(find_names(row["text"], row["entities"]).values()) for row in measured)


def test_ner_sets_are_brought_to_one_label_set(data: Path, tmp_path: Path) -> None:
    prepare("ner", data, tmp_path)
    parts = [list(read_ner(tmp_path / f"ner_{part}.jsonl")) for part in ("train", "valid")]
    tags = {tag for part in parts for row in part for tag in row.tags}
    assert tags == set(TAGS)
    assert {tag for row in parts[1] for tag in row.tags} == {"O", "B-PER", "B-ORG"}
    keys = [{text_key(" ".join(row.tokens)) for row in part} for part in parts]
    assert not keys[0] & keys[1]
    assert len(keys[1]) == len(parts[1]) > 0


def test_named_news_is_learned_and_its_held_out_patterns_are_not(
    data: Path, tmp_path: Path
) -> None:
    prepare("ner", data, tmp_path)
    prepare("named_news", data, tmp_path)
    names = ("ner_train", "named_news_train", "named_news_valid")
    trained, learned, held = (
        {row.tokens for row in read_ner(tmp_path / f"{name}.jsonl")} for name in names
    )
    assert learned <= trained
    assert held
    assert not held & trained


def test_preparing_twice_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        prepare("intent", data, tmp_path / name)
    for part in ("train", "valid"):
        first, second = (
            (tmp_path / name / f"intent_{part}.jsonl").read_bytes() for name in ("one", "two")
        )
        assert first == second


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (("B-corporation", "I-corporation"), ("B-ORG", "I-ORG")),
        (("B-group", "O"), ("B-ORG", "O")),
        (("B-GPE", "B-LOC"), ("B-LOC", "B-LOC")),
        (("B-MISC", "I-MISC"), ("O", "O")),
        (("B-creative-work", "B-product"), ("O", "O")),
        (("B-PER", "I-PER"), ("B-PER", "I-PER")),
    ],
)
def test_shared_labels(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    assert to_shared_labels(TaggedSentence(("a", "b"), before)).tags == after
    assert set(after) <= set(TAGS)


def test_the_command_prints_counts_or_one_line_of_error(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ask = ["prepare", "intent", "--data", str(data), "--output", str(tmp_path / "out")]
    assert main(ask) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"train", "valid"}

    with (data / "intents/banking77_train.jsonl").open("a", encoding="utf-8") as handle:
        handle.write('{"text": "no label"}\n')
    assert main(ask) == 1
    error = capsys.readouterr().err
    assert "banking77_train.jsonl, row 131: lacks 'label'" in error
    assert error.count("\n") == 1

    (data / "intents/banking77_train.jsonl").unlink()
    assert main(ask) == 1
    assert "banking77_train.jsonl" in capsys.readouterr().err

    (data / "intents").rename(data / "moved")
    (data / "intents").write_text("a file")
    assert main(ask) == 1
    assert capsys.readouterr().err.endswith("banking77_train.jsonl: Not a directory\n")


def test_a_full_disk_is_told_in_one_line_and_leaves_the_former_file(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    write_jsonl(output / "intent_train.jsonl", [{"text": "former", "label": "a"}])
    with full_disk(1024):
        assert main(["prepare", "intent", "--data", str(data), "--output", str(output)]) == 1
    told = f"{output / 'intent_train.jsonl'}: cannot be written (File too large)\n"
    assert capsys.readouterr().err == told
    assert [path.name for path in output.iterdir()] == ["intent_train.jsonl"]
    assert [row.text for row in read_classification(output / "intent_train.jsonl")] == ["former"]


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such task; there are intent"):
        prepare("weather", tmp_path, tmp_path)
