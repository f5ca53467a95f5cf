from __future__ import annotations

from pathlib import Path

import pytest

from ml.artifacts import DataSource, read_artifact
from ml.errors import LicenceRefused
from ml.licences import check_shippable, described, refused_licences, stated_licences

SHIPPED = sorted((Path(__file__).parents[2] / "ml" / "pretrained").glob("*/artifact.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_what_is_shipped_may_be(path: Path) -> None:
    check_shippable(path.parent.name, stated_licences(read_artifact(path.parent).data))


@pytest.mark.parametrize(
    "licence",
    [
        "CC-BY-4.0",
        "CC-BY-SA-3.0 (half of the rows)",
        "CC0-1.0",
        "MIT",
        "ODC-BY",
        "as the project",
        "MIT (as its uploader states)",
        "CC-BY-3.0 (out-of-scope rows only)",
        "CC-BY-4.0 (with the notes of its annotators)",
    ],
)
def test_licences_that_allow_it(licence: str) -> None:
    assert refused_licences([("Data", licence)]) == []


@pytest.mark.parametrize(
    "licence",
    [
        *(
            "CC-BY-NC-4.0",
            "CC-BY-ND-4.0",
            "CC-BY-NC-SA-3.0",
            "research only",
            "unknown",
            "",
            "MITx",
        ),
        *("MIT (code) and CC-BY-NC-4.0 (data)", "MIT (research only, non-commercial)"),
        *("MIT (for evaluation only)", "CC-BY-4.0 (its texts: CC-BY-NC-4.0)"),
        *("MIT (commercial use not allowed)", "MIT (not commercial)", "MIT (noncommercial)"),
        *("CC-BY-4.0 (for academics)", "CC-BY-4.0 (researchers)", "MIT (derivatives forbidden)"),
        *("CC-BY-4.0 (for students only)", "MIT (non-profit use only)", "MIT (non-profit use)"),
        *("MIT (internal use)", "MIT (private use)", "MIT (for study)", "MIT (for students)"),
        *("CC-BY-4.0 (no redistribution)", "CC-BY-4.0 (not for sale)", "CC-BY-4.0 (no resale)"),
        *("CC-BY-4.0 (forbidden for companies)", "MIT (not to be used for training)"),
        *("CC-BY-4.0 (for businesses by agreement)", "MIT (mustn't be sold)", "MIT (no derivs)"),
        *("CC-BY-4.0 (internal testing)", "MIT (teaching)", "MIT (trial)"),
    ],
)
def test_licences_that_do_not(licence: str) -> None:
    with pytest.raises(LicenceRefused, match="mine cannot be shipped: trained on Data"):
        check_shippable("mine", [("Good", "MIT"), ("Data", licence)])


def test_data_without_any_statement_are_refused() -> None:
    with pytest.raises(LicenceRefused, match="states no licence"):
        check_shippable("mine", [], [("Known", "MIT")])
    silent = DataSource("rows.jsonl", "0" * 64, 5, "unknown")
    assert stated_licences([silent]) == [("rows.jsonl", "")]


def test_of_two_licences_of_one_data_set_both_count() -> None:
    twice = [
        DataSource("a.jsonl", "0" * 64, 5, "News: CC-BY-NC-4.0"),
        DataSource("b.jsonl", "1" * 64, 5, "News: MIT"),
    ]
    assert stated_licences(twice) == [("News", "CC-BY-NC-4.0"), ("News", "MIT")]
    with pytest.raises(LicenceRefused, match=r"News \(CC-BY-NC-4\.0\)"):
        check_shippable("mine", stated_licences(twice))


def test_a_recipe_is_told_as_it_is_read() -> None:
    licences = {"News": "MIT (as its uploader states)", "Notes": "CC0-1.0"}
    source = DataSource("a.jsonl", "0" * 64, 5, described(licences))
    assert dict(stated_licences([source])) == licences
    assert described({}) == "unknown"
