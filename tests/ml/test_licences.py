from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ml.artifacts import DataSource, read_artifact
from ml.errors import LicenceRefused
from ml.licences import check_shippable, refused_licences, stated_licences

SHIPPED = sorted((Path(__file__).parents[2] / "ml" / "pretrained").glob("*/artifact.json"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_what_is_shipped_may_be(path: Path) -> None:
    check_shippable(path.parent.name, stated_licences(read_artifact(path.parent)))


@pytest.mark.parametrize(
    "licence",
    ["CC-BY-4.0", "CC-BY-SA-3.0 (half of the rows)", "CC0-1.0", "MIT", "ODC-BY", "as the project"],
)
def test_licences_that_allow_it(licence: str) -> None:
    assert refused_licences({"Data": licence}) == []


@pytest.mark.parametrize(
    "licence",
    ["CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-3.0", "research only", "unknown", "", "MITx"],
)
def test_licences_that_do_not(licence: str) -> None:
    with pytest.raises(LicenceRefused, match="mine cannot be shipped: trained on Data"):
        check_shippable("mine", {"Good": "MIT", "Data": licence})


def test_data_without_any_statement_are_refused() -> None:
    with pytest.raises(LicenceRefused, match="states no licence"):
        check_shippable("mine", {})
    shipped = read_artifact(SHIPPED[0].parent)
    silent = replace(shipped, data=(DataSource("rows.jsonl", "0" * 64, 5, "unknown"),))
    assert stated_licences(silent) == {"rows.jsonl": ""}
