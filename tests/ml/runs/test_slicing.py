"""The gate on parts of the rows: a loss there, luck, and too few rows."""

from __future__ import annotations

from ml.data.pairs import PairRow
from ml.data.readers import LabelledText, TaggedSentence
from ml.runs.answers import Answer
from ml.runs.gate import Limits
from ml.runs.slicing import Answered, groups_of, judge_slices
from ml.types import OUT_OF_SCOPE

SHORT, LONG = "where is it", "where on earth is the card that was sent to me so long ago"


def rows() -> list[LabelledText]:
    """Sixty short texts, forty long ones and three in between."""
    texts = [SHORT] * 60 + [LONG] * 40 + ["where is the card of mine today"] * 3
    return [LabelledText(text, "card") for text in texts]


def answered(wrong: range) -> Answered:
    """The live version is right, the candidate but for some rows."""
    all_rows = rows()
    right = [Answer("card", 0.9) for _ in all_rows]
    candidate = [Answer("rate" if n in wrong else "card", 0.9) for n in range(len(all_rows))]
    return Answered(all_rows, right, candidate)


def test_a_loss_on_a_slice_fails_though_the_whole_hardly_moves() -> None:
    checks, slices = judge_slices(answered(range(60, 75)), groups_of(rows()), Limits())
    (check,) = checks
    assert (check.name, check.passed, check.note) == ("slices", False, "length: 11-20 words")
    assert (check.value, check.live, check.limit) == (0.625, 1.0, 0.95)
    verdicts = {one["group"]: (one["n"], one["verdict"]) for one in slices}
    assert verdicts == {
        "1-5 words": (60, "holds"),
        "6-10 words": (3, "few"),
        "11-20 words": (40, "worse"),
    }
    (worse,) = [one for one in slices if one["verdict"] == "worse"]
    assert worse["interval"][0] < worse["difference"] == -0.375 < worse["interval"][1] < 0
    assert worse["corrected"] == 2 * worse["p_value"] < 0.001


def test_what_may_be_luck_and_what_are_few_rows_do_not_block() -> None:
    checks, slices = judge_slices(answered(range(60, 63)), groups_of(rows()), Limits())
    assert [one["verdict"] for one in slices if one["group"] == "11-20 words"] == ["unsure"]
    assert [(one.passed, one.note) for one in checks] == [(True, "2")]
    checks, _ = judge_slices(answered(range(100, 103)), groups_of(rows()), Limits())
    assert [one.passed for one in checks] == [True]
    checks, slices = judge_slices(answered(range(60, 75)), {"app": ["ours"] + [""] * 102}, Limits())
    assert checks == []
    assert [(one["slice"], one["group"], one["verdict"]) for one in slices] == [
        ("app", "ours", "few")
    ]


def test_every_part_of_enough_rows_is_judged_however_many_they_are() -> None:
    sizes = {f"desk {n}": 45 - n for n in range(15)} | {f"few {n}": 2 for n in range(14)}
    sources = [source for source, size in sizes.items() for _ in range(size)]
    right, wrong = Answer("card", 0.9), Answer("rate", 0.9)
    answered = Answered(
        [LabelledText(SHORT, "card", source=source) for source in sources],
        [right] * len(sources),
        [wrong if source == "desk 14" else right for source in sources],
    )
    checks, slices = judge_slices(answered, {"source": sources}, Limits())
    assert [(check.passed, check.note) for check in checks] == [(False, "source: desk 14")]
    verdicts = [one["verdict"] for one in slices]
    assert verdicts == ["holds"] * 14 + ["worse"] + ["few"] * 12


def test_the_slices_of_every_text() -> None:
    texts = ["Where is my new card now", "Wo ist meine neue Karte denn jetzt", "Ok"]
    found = groups_of([LabelledText(one, "card", source="desk") for one in texts], [0, 2, 0])
    assert found["language"] == ["en", "de", ""]
    assert found["entities"] == ["no entity", "2 entities", "no entity"]
    assert "source" not in found, "all are of one"
    tagged = [
        TaggedSentence(("Ann", "left"), ("B-PER", "O")),
        TaggedSentence(("All", "left"), ("O", "O")),
    ]
    assert groups_of(tagged) == {"entities": ["1 entity", "no entity"]}


def test_sentences_without_entities_are_judged_by_what_is_found_in_them() -> None:
    plain = [TaggedSentence(("all", "left"), ("O", "O"))] * 40
    nothing, wrong = Answer(("O", "O")), Answer(("B-PER", "O"))
    live, candidate = [nothing] * 40, [nothing] * 20 + [wrong] * 20
    answered = Answered(plain, live, candidate)
    checks, (one,) = judge_slices(answered, {"entities": ["no entity"] * 40}, Limits())
    assert (one["measure"], one["live"], one["candidate"]) == ("exact_match", 1.0, 0.5)
    assert [check.note for check in checks] == ["entities: no entity"]


def with_scope() -> list[LabelledText]:
    """Thirty texts in scope, sixty out of it."""
    inside = [LabelledText(f"text {n}", "card") for n in range(30)]
    return [*inside, *(LabelledText(f"weather {n}", OUT_OF_SCOPE) for n in range(60))]


def test_a_slice_is_judged_by_all_its_rows_and_by_what_is_answered_in_the_end() -> None:
    kept, refused, wrong = Answer("card", 0.9), Answer("card", 0.9, in_scope=False), Answer("rate")
    groups = {"length": ["short"] * 90}
    # Two texts in scope are lost; all sixty out of scope are found anew.
    better = Answered(with_scope(), [kept] * 90, [wrong] * 2 + [kept] * 28 + [refused] * 60)
    checks, (one,) = judge_slices(better, groups, Limits())
    assert [check.passed for check in checks] == [True]
    assert (one["measure"], one["n"], one["live"]) == ("final_accuracy", 90, 30 / 90)
    assert (one["candidate"], one["only_live"], one["only_candidate"]) == (88 / 90, 2, 60)
    # All texts in scope are refused, though the likeliest label is right.
    worse = Answered(with_scope(), [kept] * 90, [refused] * 30 + [kept] * 60)
    checks, (one,) = judge_slices(worse, groups, Limits())
    assert [check.passed for check in checks] == [False]
    assert one["candidate"] == 0.0


def test_a_candidate_that_is_right_on_more_rows_is_not_worse() -> None:
    long = TaggedSentence(("a",) * 10, ("B-PER",) * 10)
    short = TaggedSentence(("a", "b"), ("B-PER", "O"))
    nothing = Answer(("O",) * 10), Answer(("O", "O"))
    live = [Answer(long.tags)] * 4 + [nothing[1]] * 26
    candidate = [nothing[0]] * 4 + [Answer(short.tags)] * 26
    answered = Answered([long] * 4 + [short] * 26, live, candidate)
    checks, (one,) = judge_slices(answered, {"length": ["any"] * 30}, Limits())
    assert (one["measure"], one["verdict"]) == ("f1", "unsure")
    assert one["difference"] < -0.05
    assert one["corrected"] < 0.05
    assert [check.passed for check in checks] == [True]


def test_any_text_of_several_that_belong_to_one_is_right() -> None:
    asked = [PairRow(f"question {n}", "the first answer", None, None) for n in range(30)]
    live = [Answer("the first answer", 0.9, rank=1)] * 30
    candidate = [Answer("another that belongs to it", 0.9, rank=1)] * 30
    checks, (one,) = judge_slices(Answered(asked, live, candidate), {"a": ["b"] * 30}, Limits())
    assert (one["measure"], one["candidate"], one["only_live"]) == ("recall@1", 1.0, 0)
    assert [check.passed for check in checks] == [True]
