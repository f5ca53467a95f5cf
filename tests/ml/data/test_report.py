"""The data report: duplicates, leakage, contradictions, suspect labels, and the pages of it."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.cli import main
from ml.data.duplicates import exact_groups, near_pairs
from ml.data.label_noise import find_suspects, label_noise, out_of_fold
from ml.data.mentions import odd_mentions
from ml.data.readers import LabelledText, TaggedSentence
from ml.data.report import data_report, summary
from ml.data.splits import split_by_text, text_key
from ml.data.text_tools import TextTools
from ml.errors import ArtifactError, DataError
from ml.reports.folder import write_report
from tests.ml.full_disk import full_disk
from tests.ml.serving.tiny_models import build_model


def written(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def _labelled(*rows: tuple[str, str]) -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in rows]


# duplicates ----------------------------------------------------------------------------------


def test_texts_are_the_same_whatever_their_case_and_space() -> None:
    assert exact_groups(["A  b", "c", "a B", "C ", "d"]) == [[0, 2], [1, 3]]


def test_near_duplicates_are_found_and_exact_ones_left_to_the_other_list() -> None:
    texts = [
        "please tell me why my card payment was declined today",
        "where is the nearest machine that takes my card",
        "please tell me why my card payment was declined today!",
        "Please tell me why my card payment was declined today",
        "",
    ]
    (pair,) = near_pairs(texts)
    assert (pair.first, pair.second) == (0, 2)
    assert 0.8 <= pair.similarity < 1
    assert near_pairs([]) == []


def test_long_texts_are_compared_to_their_ends() -> None:
    begin, end, other = (
        " ".join(f"{name}{n}" for n in range(700)) for name in ("terms", "annex", "notice")
    )
    assert len(begin) > 2000
    assert near_pairs([f"{begin} {end}", f"{begin} {other}"]) == []
    (pair,) = near_pairs([f"{begin} {end}", f"{begin} {end} amended"])
    assert 0.9 < pair.similarity < 1


def test_long_texts_that_begin_differently_are_found() -> None:
    body = " ".join(f"clause{n}" for n in range(3000))
    one, other = (" ".join(f"{name}{n}" for n in range(300)) for name in ("letter", "notice"))
    assert min(len(one), len(other)) > 2000
    (pair,) = near_pairs([f"{one} {body}", "something else", f"{other} {body}"])
    assert (pair.first, pair.second) == (0, 2)
    assert 0.8 <= pair.similarity < 1


def test_thousands_of_copies_of_a_template_do_not_explode() -> None:
    texts = [f"your parcel with the number {n} is on its way to you right now" for n in range(400)]
    assert len(near_pairs(texts)) <= 400 * 50


def test_of_the_many_copies_of_a_template_the_most_alike_are_paired() -> None:
    texts = [f"your parcel with the number {n} is on its way to you right now" for n in range(400)]
    best = near_pairs([*texts, f"{texts[300]}!"])[0]
    assert (best.first, best.second) == (300, 400)
    assert best.similarity > 0.98


# label noise ---------------------------------------------------------------------------------


def _clusters(n: int = 60) -> tuple[np.ndarray, list[str]]:
    generator = np.random.default_rng(2)
    centres = np.eye(3, 8, dtype=np.float32) * 4
    labels = ["card", "fee", "rate"] * (n // 3)
    noise = generator.normal(size=(n, 8)).astype(np.float32) * 0.4
    return np.stack(
        [centres[["card", "fee", "rate"].index(label)] for label in labels]
    ) + noise, labels


def test_labels_that_were_changed_are_the_suspects() -> None:
    vectors, labels = _clusters()
    labels[0], labels[7] = "fee", "rate"  # they lie among the cards and the fees
    groups = [str(index) for index in range(len(labels))]
    judged, suspects = label_noise(vectors, labels, groups)
    assert judged == 60
    found = {one.index: (one.label, one.suggested) for one in suspects}
    assert found == {0: ("fee", "card"), 7: ("rate", "fee")}
    assert all(one.own < one.other for one in suspects)


def test_clean_labels_raise_no_suspicion_and_rare_ones_are_not_judged() -> None:
    vectors, labels = _clusters()
    assert label_noise(vectors, labels, [str(i) for i in range(60)]) == (60, [])
    labels[:3] = ["rare"] * 3
    assert label_noise(vectors, labels, [str(i) for i in range(60)])[0] == 57
    assert label_noise(vectors[:9], ["same"] * 9, list("abcdefghi")) == (0, [])


@pytest.mark.parametrize("others", [[1] * 5, [*range(1, 60, 3)]])
def test_a_label_that_repeats_few_texts_is_not_judged(others: list[int]) -> None:
    vectors, labels = _clusters()
    rows = [0] * 5 + others
    named = [labels[row] for row in rows]
    assert label_noise(vectors[rows], named, [str(row) for row in rows]) == (0, [])


def test_no_copy_of_a_text_gives_its_own_answer_away() -> None:
    generator = np.random.default_rng(0)
    vectors = np.repeat(generator.normal(size=(60, 40)).astype(np.float32) * 3, 2, axis=0)
    labels = np.repeat(generator.integers(0, 2, size=60), 2)
    copies = [str(index // 2) for index in range(120)]
    alone = [str(index) for index in range(120)]
    right = [
        (out_of_fold(vectors, labels, groups).argmax(axis=1) == labels).mean()
        for groups in (copies, alone)
    ]
    assert right[0] < 0.65  # the labels are random: nothing can be known
    assert right[1] > 0.8


def test_a_threshold_is_the_mean_confidence_of_its_own_rows() -> None:
    probabilities = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [0.45, 0.55]], dtype=np.float32)
    labels = np.array([0, 0, 1, 0])
    # Thresholds 0.617 and 0.8: the last row is likelier of the second label, but not surely.
    assert find_suspects(probabilities, labels, ["a", "b"]) == []
    surer = np.vstack([probabilities[:3], [[0.1, 0.9]]]).astype(np.float32)
    assert [one.index for one in find_suspects(surer, labels, ["a", "b"])] == [3]


def test_a_name_that_is_labelled_against_its_custom() -> None:
    rows = [TaggedSentence(("in", "Rome"), ("O", "B-LOC"), n) for n in range(6)]
    rows += [
        TaggedSentence(("Rome", "wins"), ("B-ORG", "O")),
        TaggedSentence(("to", "Rome"), ("O",) * 2),
    ]
    found = [(one.index, one.name, one.label, one.usual, one.seen) for one in odd_mentions(rows)]
    assert found == []  # six of eight is no custom
    rows += rows[:2]
    found = [(one.index, one.name, one.label, one.usual, one.seen) for one in odd_mentions(rows)]
    assert found == [(6, "Rome", "ORG", "LOC", 10), (7, "Rome", "O", "LOC", 10)]
    inside = TaggedSentence(("Rome", "Bank"), ("B-ORG", "I-ORG"))
    assert len(odd_mentions([*rows, inside])) == 2


# the report ----------------------------------------------------------------------------------


def test_the_report_of_two_files(tmp_path: Path) -> None:
    train = written(
        tmp_path / "train.jsonl",
        *_labelled(("my card is lost", "card"), ("My card is lost", "card")),
        *_labelled(("what does it cost", "fee"), ("What does it cost", "rate")),
        "{",
        *_labelled(("how do i change the address of my account", "card")),
    )
    valid = written(
        tmp_path / "valid.jsonl",
        *_labelled(("my  card is lost", "card"), ("new one", "loan")),
        *_labelled(("how do i change the address of my account?", "card")),
    )
    found = data_report(train, valid)
    assert found["files"]["train"]["rows"] == 5
    assert found["files"]["train"]["bad_rows"] == 1
    assert "row 5" in found["files"]["train"]["problems"][0]
    assert {row["label"]: (row["train"], row["valid"]) for row in found["labels"]} == {
        "card": (3, 2),
        "fee": (1, 0),
        "rate": (1, 0),
        "loan": (0, 1),
    }
    assert found["exact_duplicates"]["surplus_rows"] == 3
    assert found["leakage"]["exact_rows"] == 1
    assert found["leakage"]["near_pairs"] == 1
    assert found["leakage"]["near"][0]["second"]["row"] == 3
    (conflict,) = found["conflicts"]["examples"]
    assert [(row["file"], row["row"], row["label"]) for row in conflict] == [
        ("train", 3, "fee"),
        ("train", 4, "rate"),
    ]
    assert found["lengths"]["characters"]["least"] == 7
    assert sum(n for _, n in found["lengths"]["characters"]["histogram"]) == 8
    assert found["label_noise"] is None
    assert any("loan" in warning for warning in found["warnings"])
    assert any("different labels" in line for line in summary(found))


@pytest.mark.parametrize(
    ("counts", "warnings"),
    [
        ({"card": 200, "fee": 10}, []),
        (
            {"card": 200, "fee": 9},
            [
                "Labels with fewer than 10 training rows: fee.",
                "The most frequent label has 200 training rows, the rarest 9.",
            ],
        ),
        (
            {"card": 201, "fee": 10},
            ["The most frequent label has 201 training rows, the rarest 10."],
        ),
        ({"card": 10}, ["There is one label only; nothing can be learnt."]),
        ({"card": 10, "oos": 10}, ["There is one label only; nothing can be learnt."]),
    ],
)
def test_few_rows_uneven_labels_and_one_alone_are_warned_of(
    tmp_path: Path, counts: dict[str, int], warnings: list[str]
) -> None:
    assert data_report(_unlike(tmp_path / "t.jsonl", counts), None)["warnings"] == warnings


@pytest.mark.parametrize(("wrong", "warned"), [(2, False), (3, True)])
def test_many_suspect_labels_are_warned_of(tmp_path: Path, wrong: int, warned: bool) -> None:
    vectors, labels = _clusters()
    labels[: 3 * wrong : 3] = ["fee"] * wrong  # they lie among the cards
    texts = [sha256(f"{index}".encode()).hexdigest() for index in range(len(labels))]
    train = written(tmp_path / "t.jsonl", *_labelled(*zip(texts, labels, strict=True)))
    told = data_report(train, None, tools=TextTools(embed=lambda _: vectors))["warnings"]
    assert told == ([f"{wrong} of 60 labels look wrong."] if warned else [])


def test_out_of_scope_rows_to_measure_by_are_no_label_that_is_missing(tmp_path: Path) -> None:
    train = _unlike(tmp_path / "t.jsonl", {"card": 10, "fee": 10})
    valid = _unlike(tmp_path / "v.jsonl", {"oos": 3, "loan": 1})
    told = data_report(train, valid)["warnings"]
    assert told == ["Labels in the validation file alone: loan."]


def test_rows_with_several_labels_are_reported_by_label_and_by_list(tmp_path: Path) -> None:
    rows = [{"text": f"Where is it, {name}", "labels": ["card", "fee"]} for name in ("ann", "bo")]
    contradicted = [{"text": "Where is it, ann", "labels": ["fee"]}, {"text": "Hm", "labels": []}]
    train = written(tmp_path / "t.jsonl", *rows, *contradicted)
    found = data_report(train, None, kind="multi_label")
    assert [(row["label"], row["train"]) for row in found["labels"]] == [("fee", 3), ("card", 2)]
    assert [[row["label"] for row in one] for one in found["conflicts"]["examples"]] == [
        ["card, fee", "fee"]
    ]
    assert "There is one label only" not in " ".join(map(str, found["warnings"]))


def test_a_tagger_can_learn_one_type(tmp_path: Path) -> None:
    rows = "".join(f"Ann{n} B-PER\nleft{n} O\n\n" for n in range(10))
    path = written(tmp_path / "t.conll", *rows.splitlines())
    assert data_report(path, None, kind="ner")["warnings"] == []


def test_validation_rows_that_are_training_rows_are_warned_of(tmp_path: Path) -> None:
    train = _unlike(tmp_path / "t.jsonl", {"card": 10, "fee": 10})
    valid = written(tmp_path / "v.jsonl", *train.read_text("utf-8").splitlines()[:2])
    told = data_report(train, valid)["warnings"]
    assert told == ["2 validation rows are training rows, too."]


def test_one_row_is_warned_of_in_the_singular(tmp_path: Path) -> None:
    rows = _unlike(tmp_path / "t.jsonl", {"card": 10, "fee": 10}).read_text("utf-8").splitlines()
    twice = json.loads(rows[0]) | {"label": "fee"}
    train = written(tmp_path / "more.jsonl", *rows, twice)
    told = data_report(train, written(tmp_path / "v.jsonl", rows[1]))["warnings"]
    assert told == ["One validation row is a training row, too.", "One text has different labels."]


def _unlike(path: Path, counts: dict[str, int]) -> Path:
    """A file with so many rows of each label, of which no two are near duplicates."""
    return written(
        path,
        *_labelled(
            *(
                (sha256(f"{label} {n}".encode()).hexdigest(), label)
                for label, number in counts.items()
                for n in range(number)
            )
        ),
    )


def test_the_report_judges_labels_and_counts_tokens_with_an_encoder(tmp_path: Path) -> None:
    vectors, labels = _clusters()
    labels[0] = "fee"
    train = written(
        tmp_path / "t.jsonl", *_labelled(*((f"text {n}", label) for n, label in enumerate(labels)))
    )
    tools = TextTools(lambda texts: vectors, lambda texts: [300] * len(texts))
    found = data_report(train, None, tools=tools)
    assert found["label_noise"]["suspects"] == 1
    assert found["label_noise"]["examples"][0]["row"] == 1
    assert found["label_noise"]["examples"][0]["suggested"] == "card"
    assert found["lengths"]["tokens"]["over_long"] == 60


def test_a_file_without_a_usable_row_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.jsonl.*no usable row.*row 1"):
        data_report(written(tmp_path / "t.jsonl", "{"), None)


def test_the_pages_escape_what_they_quote(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    train = written(tmp_path / "t.jsonl", *_labelled((evil, evil), (evil.upper(), "b")))
    write_report(tmp_path / "out", "data", data_report(train, None))
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;" in page
    assert "<script" not in page.lower()


def test_nothing_is_left_behind_when_a_report_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    train = written(tmp_path / "t.jsonl", *_labelled(("a", "b")))
    found = data_report(train, None)
    with pytest.raises(ArtifactError, match="file: is no folder"):
        write_report(tmp_path / "file" / "out", "data", found)
    with full_disk(1024), pytest.raises(ArtifactError, match="out: cannot be written"):
        write_report(tmp_path / "out", "data", found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "t.jsonl"]


# the command line ----------------------------------------------------------------------------


def test_the_command_line_writes_the_report(tmp_path: Path, capsys: Any) -> None:
    words = ["card lost", "euro rate", "the bank"]
    rows = [(f"{words[n % 3]} {n}", str(n % 3)) for n in range(30)]
    train = written(tmp_path / "t.jsonl", *_labelled(*rows))
    build_model(tmp_path / "models", "encoder", "embedding")
    arguments = ["data-report", "--train", str(train), "--output", str(tmp_path / "out")]
    assert main([*arguments, "--models", str(tmp_path / "models"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["label_noise"]["judged"] == 30
    assert printed["lengths"]["tokens"]["least"] >= 4
    assert (tmp_path / "out" / "report.html").exists()
    assert main(arguments) == 1
    assert "is not empty" in capsys.readouterr().err


def test_the_command_line_names_a_missing_file_and_does_without_models(
    tmp_path: Path, capsys: Any
) -> None:
    output = ["--output", str(tmp_path / "out"), "--models", str(tmp_path / "none")]
    assert main(["data-report", "--train", str(tmp_path / "no.jsonl"), *output]) == 1
    assert "no.jsonl: no such file" in capsys.readouterr().err
    train = written(tmp_path / "a.conll", "Acme B-ORG", "in O", "Rome B-LOC", "")
    assert main(["data-report", "--train", str(train), "--kind", "ner", *output]) == 0
    assert "no built encoder" in capsys.readouterr().err


# splits by group -----------------------------------------------------------------------------


@given(
    rows=st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["", "x", "y", "z"]))),
    seed=st.integers(0, 3),
)
def test_neither_a_text_nor_a_group_is_on_both_sides(
    rows: list[tuple[str, str]], seed: int
) -> None:
    made = [LabelledText(text, "l", n, group=group) for n, (text, group) in enumerate(rows)]

    def split(rows: list[LabelledText]) -> tuple[list[LabelledText], list[LabelledText]]:
        return split_by_text(
            rows,
            held_out=0.4,
            seed=seed,
            key=lambda row: text_key(row.text),
            group=lambda row: row.group,
        )

    training, held = split(made)
    assert not {row.text for row in training} & {row.text for row in held}
    assert not {row.group for row in training if row.group} & {row.group for row in held}
    assert sorted(row.row for row in training + held) == list(range(len(made)))
    assert {row.row for row in split(made[::-1])[1]} == {row.row for row in held}
