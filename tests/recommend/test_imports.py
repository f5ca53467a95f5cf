from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.recommend.models import Interaction, Item, Reader

pytestmark = pytest.mark.django_db

HEADER = "item_id,title,text,tags,authors,published_at\n"
DEEDS = "user_id,item_id,kind,value,timestamp\n"


def run(command: str, *arguments: Any) -> dict[str, Any]:
    out = StringIO()
    call_command(command, *map(str, arguments), "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().splitlines()[-1])


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_items_are_added_then_changed_then_left_alone(tmp_path: Path) -> None:
    file = written(tmp_path / "i.csv", f"{HEADER}a,One,text,x|y,Ann,1900\nb,Two,,,,\n")
    report = run("import_items", file)
    assert (report["added"], report["embedded"]) == (2, 2)
    item = Item.objects.get(external_id="a")
    assert (item.tags, item.authors, item.year) == (["x", "y"], ["Ann"], 1900)

    written(file, f"{HEADER}a,One,another text,x|y,Ann,1900\nb,Two,,,,\n")
    report = run("import_items", file)
    assert (report["changed"], report["unchanged"], report["embedded"]) == (1, 1, 1)
    report = run("import_items", file)
    assert (report["changed"], report["unchanged"], report["embedded"]) == (0, 2, 0)


def test_a_jsonl_file_is_read_too(tmp_path: Path) -> None:
    row = {"item_id": "a", "title": "One", "text": "t", "tags": ["x"], "authors": ["Ann"]}
    assert run("import_items", written(tmp_path / "i.jsonl", json.dumps(row)))["added"] == 1


def test_a_very_long_text_and_no_text_are_both_embedded(tmp_path: Path) -> None:
    rows = f"long,Long,{'word ' * 2000},x,,\nnone,None,,,,\n"
    assert run("import_items", written(tmp_path / "i.csv", HEADER + rows))["embedded"] == 2
    assert not Item.objects.filter(vector=None).exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title,text\nOne,t\n", r"i\.csv, row 1: the header lacks the column item_id, tags"),
        (f"{HEADER}a,One,t,x,,\nb,,t,x,,\n", r"i\.csv, row 3: title is empty"),
        (f"{HEADER}a,One,t,x,,\na,Two,t,x,,\n", r"row 3: item_id 'a' occurs in row 2"),
        (f"{HEADER}a,One,t\n", r"row 2: has 3 cells, the header 6"),
        (f"{HEADER}a,One,t,x,,later\n", r"row 2: published_at 'later'"),
        (HEADER.encode() + b"a,On\xff,t,x,,\n", r"i\.csv, row 2: is not UTF-8"),
        (HEADER.encode("utf-16"), r"i\.csv, row 1: is not UTF-8"),
        (HEADER, r"i\.csv: holds no usable row"),
        ("", r"i\.csv, row 1: is empty"),
    ],
)
def test_a_bad_file_is_refused_whole_and_named(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        run("import_items", written(tmp_path / "i.csv", content))
    assert not Item.objects.exists()


def test_one_bad_row_among_100_000_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    rows = [f"id-{number},Title {number},text,x,," for number in range(100_000)]
    rows[77_776] = "id-77776,,text,x,,"
    file = written(tmp_path / "big.csv", HEADER + "\n".join(rows))
    with pytest.raises(CommandError, match=r"big\.csv, row 77778: title is empty"):
        run("import_items", file)
    assert not Item.objects.exists()


def test_bad_rows_may_be_skipped_and_are_listed(tmp_path: Path) -> None:
    file = written(tmp_path / "i.csv", f"{HEADER}a,One,t,x,,\n,No id,t,x,,\nc,Three,t,x,,\n")
    report = run("import_items", file, "--skip-bad")
    assert (report["added"], report["skipped"]) == (2, 1)
    assert report["errors"] == ["i.csv, row 3: item_id is empty"]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.csv: no such file"):
        run("import_items", tmp_path / "nowhere.csv")


def test_interactions_are_stored_once_with_their_readers(books: None, tmp_path: Path) -> None:
    rows = (
        "u1,sea-1,save,,2026-01-02T03:04:05Z\n"
        "u1,sea-2,rating,4.5,1700000000\n"
        "u2,sea-1,click,,2026-01-02\n"
    )
    file = written(tmp_path / "d.csv", DEEDS + rows)
    assert run("import_interactions", file, "--simulated")["added"] == 3
    report = run("import_interactions", file, "--simulated")
    assert (report["added"], report["unchanged"]) == (0, 3)
    assert Interaction.objects.count() == 3
    assert Reader.objects.filter(simulated=True).count() == 2


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("u1,gone,save,,2026-01-02", r"row 3: item_id 'gone' is not in the catalogue"),
        ("u1,sea-1,stare,,2026-01-02", r"row 3: kind 'stare'"),
        ("u1,sea-1,save,,2099-01-02", r"row 3: timestamp '2099-01-02' lies in the future"),
        (",sea-1,save,,2026-01-02", r"row 3: user_id is empty"),
    ],
)
def test_a_bad_interaction_refuses_the_file(
    books: None, tmp_path: Path, row: str, message: str
) -> None:
    file = written(tmp_path / "d.csv", f"{DEEDS}u1,sea-2,save,,2026-01-02\n{row}\n")
    with pytest.raises(CommandError, match=message):
        run("import_interactions", file)
    assert not Interaction.objects.exists()
    assert not Reader.objects.exists()
