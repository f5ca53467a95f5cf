from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.recommend.factories import BOOKS

ITEMS = "item_id,title,text,tags\n" + "".join(
    f'{book["item_id"]},{book["title"]},"{book["text"]}",{book["tags"]}\n' for book in BOOKS
)
KINDS = ("sea", "ghost", "moon")


def deeds() -> str:
    """Each reader likes the four books of one kind, in an order of the reader's own."""
    rows = ["user_id,item_id,kind,value,timestamp"]
    for reader in range(24):
        kind, turn = KINDS[reader % 3], reader // 3
        for place in range(4):
            number = (place + turn) % 4 + 1
            rows.append(f"u{reader},{kind}-{number},rating,5,{1_700_000_000 + place}")
    return "\n".join(rows) + "\n"


def evaluate(folder: Path, interactions: str, *options: str) -> dict[str, Any]:
    (folder / "items.csv").write_text(ITEMS)
    (folder / "deeds.csv").write_text(interactions)
    files = ["--items", str(folder / "items.csv"), "--interactions", str(folder / "deeds.csv")]
    out = StringIO()
    call_command("evaluate_recommender", *files, *options, "--json", stdout=out)
    return dict(json.loads(out.getvalue().splitlines()[-1]))


@pytest.mark.parametrize("protocol", ["temporal", "leave-last-out"])
def test_our_figures_stand_beside_those_of_the_baselines(tmp_path: Path, protocol: str) -> None:
    result = evaluate(tmp_path, deeds(), "--protocol", protocol, "--k", "5")
    assert result["n"] == 24
    assert set(result) >= {"ndcg@5", "recall@20", "coverage", "novelty", "cold_item_recall@20"}
    assert result["ndcg@5"] > result["baselines"]["popularity"]["ndcg@5"]


def test_the_whole_report_is_written_for_the_screen_and_where_one_asks(
    tmp_path: Path, settings: Any
) -> None:
    settings.VAR_DIR = tmp_path / "var"
    output = tmp_path / "reports" / "films.json"
    evaluate(tmp_path, deeds(), "--output", str(output))
    (kept,) = (tmp_path / "var" / "recommend" / "evaluations").iterdir()
    assert kept.suffix == ".json"
    assert kept.read_text() == output.read_text()
    report = json.loads(kept.read_text())
    assert set(report) == {
        *("at", "items", "interactions", "readers", "protocol", "k", "seconds", "rows"),
        *("faithfulness", "variety"),
    }
    assert report["faithfulness"]["faithful"] >= 0.95
    assert report["readers"] == 24
    assert {row["name"] for row in report["rows"]} >= {"trefoil", "ease", "ials", "text"}


def test_a_bad_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"deeds\.csv, row 2: .*nothing"):
        evaluate(tmp_path, "user_id,item_id,kind,value,timestamp\nu,nothing,save,,2026-01-01\n")


def test_k_has_limits(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--k must be between"):
        evaluate(tmp_path, deeds(), "--k", "0")
