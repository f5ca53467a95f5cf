"""Splits by text: seeded, stratified, and no text on both sides."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.data.readers import LabelledText
from ml.data.splits import drop_repeats, split_by_text, text_key


def _rows(count: int) -> list[LabelledText]:
    return [LabelledText(f"text {i}", f"label {i % 4}", i) for i in range(count)]


def _key(row: LabelledText) -> str:
    return text_key(row.text)


def _label(row: LabelledText) -> str:
    return row.label


def test_spelling_of_case_space_links_and_entities_does_not_make_another_text() -> None:
    same = [
        "Shares fall &amp; rise  https://t.example/a1",
        "shares FALL & rise",
        " Shares\u200b fall &\nrise www.b.example ",
    ]
    assert len({text_key(text) for text in same}) == 1
    assert text_key("Shares rise") not in {text_key(text) for text in same}


@given(
    texts=st.lists(st.sampled_from(["a", "A", " a ", "b", "B b", "c", "d", "e https://x.y"])),
    seed=st.integers(0, 5),
)
def test_no_text_is_on_both_sides_and_none_is_lost(texts: list[str], seed: int) -> None:
    rows = [LabelledText(text, f"label {i % 2}", i) for i, text in enumerate(texts)]
    training, held = split_by_text(rows, held_out=0.4, seed=seed, key=_key, stratum=_label)
    assert not {_key(row) for row in training} & {_key(row) for row in held}
    assert sorted(row.row for row in training + held) == list(range(len(rows)))


def test_where_all_strata_are_tiny_some_of_two_give_one() -> None:
    rows = [LabelledText(f"text {i} of {j}", f"label {i}") for i in range(50) for j in range(2)]
    rows += [LabelledText("single", "single")]
    training, held = split_by_text(rows, held_out=0.1, seed=1, key=_key, stratum=_label)
    assert len(held) == 10
    assert len({row.label for row in held}) == 10
    assert {row.label for row in training} == {row.label for row in rows}
    one = [LabelledText("a", "a"), LabelledText("b", "b")]
    assert split_by_text(one, held_out=0.1, seed=1, key=_key, stratum=_label) == (one, [])


@pytest.mark.parametrize("sizes", [(*[3] * 20, 4), (*[3] * 150, 4), (*[2] * 30, 40)])
def test_few_large_strata_leave_the_others_to_give_the_share(sizes: tuple[int, ...]) -> None:
    rows = _of_sizes(*sizes)
    training, held = split_by_text(rows, held_out=0.1, seed=1, key=_key, stratum=_label)
    assert len(held) == round(len(rows) * 0.1)
    given = Counter(row.label for row in held)
    assert given.pop(rows[-1].label) == max(1, round(sizes[-1] * 0.1))
    assert set(given.values()) == {1}
    assert {row.label for row in training} == {row.label for row in rows}


def _of_sizes(*sizes: int) -> list[LabelledText]:
    return [
        LabelledText(f"{place}/{label}", str(label))
        for label, size in enumerate(sizes)
        for place in range(size)
    ]


@pytest.mark.parametrize(
    ("sizes", "share", "drawn"),
    [
        ((4, 5, 9, 30), 0.1, "3/0 3/1 6/2 1/3 11/3 27/3"),
        ((2, 3, 3, 2, 1), 0.2, "2/1 1/2"),
    ],
)
def test_what_was_measured_rests_on_this_draw(
    sizes: tuple[int, ...], share: float, drawn: str
) -> None:
    rows = _of_sizes(*sizes)
    held = split_by_text(
        rows, held_out=share, seed=13, key=_key, stratum=_label, labels=lambda row: (row.label,)
    )[1]
    assert [row.text for row in held] == drawn.split()


def test_no_label_loses_its_last_training_row() -> None:
    rows = [LabelledText(f"text {i}", "common", group=f"author {i % 10}") for i in range(40)]
    rows += [LabelledText(f"rare {i}", "rare", group="author 3") for i in range(5)]
    rows += [LabelledText("text 7", "second"), LabelledText("text 7", "third")]
    for seed in range(30):
        training, held = split_by_text(
            rows,
            held_out=0.2,
            seed=seed,
            key=_key,
            stratum=_label,
            group=lambda row: row.group,
            labels=lambda row: (row.label,),
        )
        assert {row.label for row in training} == {"common", "rare", "second", "third"}
        assert len({row.group for row in held}) == 2


def test_every_stratum_gives_its_share() -> None:
    training, held = split_by_text(_rows(400), held_out=0.1, seed=1, key=_key, stratum=_label)
    assert (len(training), len(held)) == (360, 40)
    assert set(Counter(row.label for row in held).values()) == {10}


def test_a_small_stratum_still_gives_one_and_a_tiny_one_none() -> None:
    rows = [*_rows(40), *(LabelledText(f"rare {i}", "rare") for i in range(4))]
    rows += [LabelledText("single", "single")]
    training, held = split_by_text(rows, held_out=0.05, seed=1, key=_key, stratum=_label)
    assert Counter(row.label for row in held)["rare"] == 1
    assert "single" not in {row.label for row in held}
    assert "single" in {row.label for row in training}


def test_the_seed_decides() -> None:
    def held(seed: int) -> list[LabelledText]:
        return split_by_text(_rows(200), held_out=0.2, seed=seed, key=_key)[1]

    assert held(1) == held(1)
    assert held(1) != held(2)


def test_the_order_of_the_file_does_not_decide() -> None:
    rows = _rows(100)
    _, held = split_by_text(rows, held_out=0.2, seed=1, key=_key)
    _, other = split_by_text(rows[::-1], held_out=0.2, seed=1, key=_key)
    assert {row.text for row in held} == {row.text for row in other}


@pytest.mark.parametrize("share", [0, 1, -0.5, 2])
def test_a_share_outside_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="held_out"):
        split_by_text(_rows(10), held_out=share, seed=1, key=_key)


def test_repeats_and_texts_of_links_alone_are_dropped() -> None:
    rows = [LabelledText(t, "x") for t in ("A b", "a  B", "https://only.example", "c")]
    assert [row.text for row in drop_repeats(rows, key=_key)] == ["A b", "c"]
