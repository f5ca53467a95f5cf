"""Personal data: rules and names in one list, titles left out, placeholders in their place."""

from __future__ import annotations

from datetime import date

import pytest

from ml.entities.personal import KINDS, NAME, masked, personal_data
from ml.serving.fakes import FakeEngine
from ml.serving.personal import PersonalDataPredictor
from ml.types import Entity, PersonalSpan, Tagging

TODAY = date(2026, 11, 24)


def tagging(text: str, *names: str, label: str = "PER", score: float = 0.9) -> Tagging:
    entities = [
        Entity(name, label, text.index(name), text.index(name) + len(name), score) for name in names
    ]
    return Tagging(tuple(entities), "7")


def spans(text: str, tagged: Tagging) -> list[PersonalSpan]:
    found = personal_data(text, tagged, today=TODAY)
    assert all(text[one.start : one.end] == one.text for one in found.spans)
    assert found.version == "7"
    return list(found.spans)


def test_names_and_numbers_stand_in_the_order_of_the_text() -> None:
    text = "Vera  Lund paid £84.20 from gb82 west 1234 5698 7654 32 on 3 March 2026"
    found = spans(text, tagging(text, "Vera  Lund", score=0.83))
    assert [(one.kind, one.value, one.score) for one in found] == [
        ("name", "Vera Lund", 0.83),
        ("amount", "84.20 GBP", 1.0),
        ("iban", "GB82WEST12345698765432", 1.0),
        ("date", "2026-03-03", 1.0),
    ]
    assert {one.kind for one in found} < set(KINDS)


@pytest.mark.parametrize("title", ["Mr", "Ms.", "dr", "Prof. "])
def test_a_title_is_no_part_of_a_name(title: str) -> None:
    text = f"ask {title} Okafor about it"
    (name,) = spans(text, tagging(text, f"{title} Okafor"))
    assert name.value == "Okafor"
    assert masked(text, [name]) == f"ask {title} [name] about it"


def test_a_name_that_is_only_a_title_stays() -> None:
    text = "hello Dr"
    (name,) = spans(text, tagging(text, "Dr"))
    assert name.value == "Dr"


def test_unsure_names_and_other_labels_are_left_out() -> None:
    text = "Vera is in Rome"
    assert spans(text, tagging(text, "Vera", score=0.4)) == []
    assert spans(text, tagging(text, "Rome", label="LOC")) == []


def test_where_a_rule_and_a_name_overlap_the_rule_stands() -> None:
    text = "write to vera.lund@mail.example"
    found = spans(text, tagging(text, "vera.lund"))
    assert [one.kind for one in found] == ["email"]
    both = personal_data(text, tagging(text, "vera.lund"), today=TODAY, kinds=[NAME])
    assert [one.kind for one in both.spans] == ["name"]


def test_each_span_has_its_kind_in_its_place() -> None:
    text = "Vera, 020 7946 0142, vera@mail.example"
    found = spans(text, tagging(text, "Vera"))
    assert masked(text, found) == "[name], [phone], [email]"
    assert masked(text, []) == text


def test_the_predictor_reads_names_of_a_tagger() -> None:
    engine = FakeEngine(names={"Vera Lund": "PER"})
    finder = PersonalDataPredictor(engine.models.load("ner"), lambda: TODAY)  # type: ignore[arg-type]
    assert (finder.info.task, finder.info.kind, finder.info.version) == ("pii", "spans", "fake-1")
    first, second = finder.predict(["my name is Vera Lund since yesterday", "nothing here"])
    assert [(one.kind, one.value) for one in first.spans] == [
        ("name", "Vera Lund"),
        ("date", "2026-11-23"),
    ]
    assert second.spans == ()
    engine.close()
