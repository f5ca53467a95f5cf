from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ml.data.conll import conll
from ml.data.multi_label import MultiLabelText
from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, Problems, TaggedSentence
from ml.data.row_kinds import Row, names_of, read_rows, text_of, value_of
from ml.data.splits import text_key
from ml.data.versions import (
    FEW_ROWS,
    canonical,
    content_hash,
    difference,
    split_rows,
    statistics,
    with_corrections,
)


def rows(label: str, number: int, word: str = "text") -> list[LabelledText]:
    return [LabelledText(f"{word} {label} {n}", label, n) for n in range(number)]


ROWS = [*rows("card", 60), *rows("rate", 60)]


def test_equal_rows_have_one_hash_in_whatever_order() -> None:
    mixed = random.Random(3).sample(ROWS, len(ROWS))
    assert canonical(mixed) == canonical(ROWS)
    other = [*ROWS[1:], LabelledText(ROWS[0].text, "rate")]
    assert content_hash(canonical(other)) != content_hash(canonical(ROWS))


def test_a_text_stays_on_its_side_when_rows_are_added() -> None:
    before, after = split_rows(ROWS), split_rows([*ROWS, *rows("new", 40)])
    held = {row.text for row in before.held_out}
    assert 10 <= len(held) <= 40
    assert held <= {row.text for row in after.held_out}
    assert not held & {row.text for row in after.train}
    assert any(row.label == "new" for row in after.held_out)


def test_a_label_of_few_rows_is_learned_in_full() -> None:
    found = split_rows([*ROWS, *rows("rare", 4)])
    assert sum(row.label == "rare" for row in found.train) == 4


def test_a_label_all_of_whose_rows_would_be_held_out_is_learned_in_full() -> None:
    held = split_rows(rows("new", 100)).held_out[:6]
    lone = [LabelledText(text_of(row), "lone") for row in held]
    found = split_rows([*ROWS, *lone])
    assert [row for row in found.train if names_of(row) == ("lone",)] == lone
    assert found.held_out


def test_texts_that_keep_their_vectors_are_trained_on() -> None:
    kept = [PairRow(row.text, None, None, None, keep=True) for row in ROWS]
    pairs = [PairRow(row.text, "article", None, None) for row in rows("new", 100)]
    found = split_rows([*kept, *pairs])
    assert [row for row in found.train if row in kept] == kept
    assert found.held_out


def test_frozen_rows_are_measured_by_and_never_trained_on() -> None:
    frozen = [LabelledText("TEXT  card 1", "card"), LabelledText("other", "rate")]
    found = split_rows([*ROWS, *rows("new", 40)], frozen)
    assert found.held_out[:2] == frozen
    assert {row.label for row in found.held_out[2:]} == {"new"}
    never = {text_key(row.text) for row in frozen}
    assert not never & {text_key(row.text) for row in found.train}
    assert sum(row.label == "rate" for row in found.train) == 60


def test_the_last_correction_of_a_text_wins_over_the_base() -> None:
    corrections = [
        LabelledText("Text card 1", "rate"),
        LabelledText("text  card 1", "other"),
        LabelledText("new one", "card"),
    ]
    found = {text_key(row.text): row.label for row in with_corrections(ROWS, corrections)}
    assert len(found) == len(ROWS) + 1
    assert found[text_key("text card 1")] == "other"
    assert found[text_key("new one")] == "card"


def test_a_difference_names_what_was_added_removed_relabelled() -> None:
    changed = [LabelledText(ROWS[0].text, "rate"), *ROWS[2:], LabelledText("more", "card")]
    found = difference(ROWS, changed)
    assert [row.text for row in found.added] == ["more"]
    assert [row.text for row in found.removed] == [ROWS[1].text]
    assert [(old.text, old.label, new.label) for old, new in found.relabelled] == [
        (ROWS[0].text, "card", "rate")
    ]


def test_rows_of_several_labels_and_of_entities_are_split_by_what_is_rarest_in_them() -> None:
    several: list[Row] = [
        MultiLabelText(
            f"you are {n}", ("insult", "threat") if n < 3 else ("insult",) if n % 2 else ()
        )
        for n in range(200)
    ]
    found = split_rows(several)
    assert 20 < len(found.held_out) < 60
    assert {names_of(row) for row in found.held_out} == {(), ("insult",)}, "threats are too few"
    assert split_rows(several, found.held_out).held_out[: len(found.held_out)] == found.held_out
    tagged: list[Row] = [
        TaggedSentence(("Ada", str(n), "left"), ("B-PER", "O", "O")) for n in range(100)
    ]
    halves = split_rows(tagged)
    assert halves.held_out
    assert not set(map(text_of, halves.train)) & set(map(text_of, halves.held_out))


def test_a_label_that_is_called_none_is_apart_from_rows_without_any() -> None:
    plain = [MultiLabelText(f"plain {n}", ()) for n in range(100)]
    few = [MultiLabelText(f"named {n}", ("none",)) for n in range(FEW_ROWS - 1)]
    split = split_rows([*plain, *few])
    assert not set(few) & set(split.held_out)
    assert split.held_out


def test_entities_and_label_sets_have_statistics_and_differences(tmp_path: Path) -> None:
    old = TaggedSentence(("Ada", "left", "Oslo"), ("B-PER", "O", "B-LOC"), source="labelling")
    new = TaggedSentence(old.tokens, ("B-PER", "O", "B-ORG"))
    found = difference([old], [new])
    assert found.relabelled == [(old, new)]
    counts = statistics([old, new, TaggedSentence(("So", "it", "is"), ("O", "O", "O"))])
    assert counts["labels"] == {"PER": 2, "LOC": 1, "ORG": 1}
    assert (counts["without"], counts["contradictions"]) == (1, 1)
    several = MultiLabelText("you", ())
    for kind, row in (("ner", old), ("multi_label", several)):
        file = tmp_path / f"{kind}.jsonl"
        file.write_text(canonical([row]))
        (read,) = read_rows(file, kind)
        assert replace(read, row=0) == row
    file = tmp_path / "rows.conll"
    file.write_text(conll([old, new]))
    assert [text_of(row) for row in read_rows(file, "ner")] == ["Ada left Oslo"] * 2


@example("credit  card", "PER")
@example("credit\tcard", "PER")
@example("credit\ncard", "PER")
@given(st.text(min_size=1, max_size=8), st.sampled_from(["Credit card", "PER"]))
def test_entities_of_any_type_are_read_from_conll_as_they_were_written(
    name: str, other: str
) -> None:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        row = {
            "tokens": ["my", "new", "card", "Ada"],
            "tags": ["O", f"B-{name}", f"I-{name}", f"B-{other}"],
        }
        file.write_text(json.dumps(row))
        problems = Problems()
        rows = list(read_rows(file, "ner", problems))
        assume(not problems.errors)  # a name of invisible characters alone is none
        kept = value_of(rows[0])[1][2:]
        if "\t" in kept or "\n" in kept:
            with pytest.raises(ValueError, match="has a tab or a line end") as caught:
                conll(rows)
            assert repr(kept) in str(caught.value)
            return
        file = Path(folder) / "rows.conll"
        file.write_text(conll([*rows, *rows]), encoding="utf-8", newline="")
        assert [replace(row, row=1) for row in read_rows(file, "ner")] == [*rows, *rows]


def test_conll_has_tabs_only_where_a_type_has_a_blank() -> None:
    plain = TaggedSentence(("Ada", "left"), ("B-PER", "O"))
    assert conll([plain]) == "Ada B-PER\nleft O\n"
    card = TaggedSentence(("Visa",), ("B-Credit card",))
    assert conll([plain, card]) == "Ada\tB-PER\nleft\tO\n\nVisa\tB-Credit card\n"


def test_a_pair_that_is_said_to_fit_and_not_to_fit_is_a_contradiction() -> None:
    pairs = [
        PairRow("my card", "Cards", None, None),
        PairRow("My  card", "Fees", "CARDS", None),
        PairRow("a fee", "Fees", "Cards", None),
    ]
    assert statistics(pairs)["contradictions"] == 1
    assert statistics([pairs[0], pairs[2]])["contradictions"] == 0


def test_statistics_tell_repeats_and_contradictions() -> None:
    found = statistics([*ROWS, LabelledText(ROWS[0].text, "rate"), ROWS[70]])
    assert found["labels"] == {"rate": 62, "card": 60}
    assert (found["repeats"], found["contradictions"]) == (2, 1)
    assert found["lengths"]["least"] > 0
