"""Which tagged names are worth asking a person about."""

from __future__ import annotations

import pytest

from ml.linking.linker import Mention
from ml.linking.unlinked import unlinked_key, unlinked_names
from ml.types import Entity


def entity(text, name, label="ORG", score=0.9):
    start = text.index(name)
    return Entity(name, label, start, start + len(name), score)


def test_organisations_without_a_link_are_named_once():
    text = "Zornik and Halvern and ZORNIK Inc"
    entities = [entity(text, name) for name in ("Zornik", "Halvern", "ZORNIK Inc")]
    links = [Mention(11, 18, "Halvern", "1", 0.9, ())]
    assert unlinked_names(entities, links) == ("Zornik",)


@pytest.mark.parametrize(
    ("name", "label", "score"),
    [
        ("GDP", "ORG", 0.9),
        ("Paris", "LOC", 0.9),
        ("Zornik", "ORG", 0.3),
        ("EU", "ORG", 0.9),
        ("zornik", "ORG", 0.9),
    ],
)
def test_others_are_not_worth_asking(name, label, score):
    assert unlinked_names([entity(name, name, label, score)], []) == ()


def test_the_form_in_law_and_accents_do_not_count():
    assert unlinked_key("Zörnik Inc.") == unlinked_key("ZORNIK")
