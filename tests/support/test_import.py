from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.support import knowledge
from apps.support.models import Article

pytestmark = pytest.mark.django_db


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def good(number: int) -> dict[str, object]:
    return {"id": f"a-{number}", "title": f"Title {number}", "body": "Text.", "tags": ["x"]}


def test_imports_a_markdown_folder_and_repeats_without_change(
    tmp_path: Path, capsys: object
) -> None:
    (tmp_path / "pin.md").write_text(
        '---\nid: pin\ntitle: The PIN\ntags: ["intent:change_pin"]\n---\nAt a machine.\n'
    )
    call_command("import_articles", str(tmp_path), "--json")
    version = knowledge.version_number()
    call_command("import_articles", str(tmp_path))
    assert Article.objects.get().intents == ["change_pin"]
    assert knowledge.version_number() == version


def test_csv_lists_are_split(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,title,body,tags\npin,The PIN,At a machine.,intent:change_pin|cards\n")
    call_command("import_articles", str(file))
    assert Article.objects.get().tags == ["intent:change_pin", "cards"]


def test_one_bad_row_among_many_refuses_the_file_and_names_it(tmp_path: Path) -> None:
    rows = [good(number) for number in range(3000)]
    rows[2345] = {"id": "bad", "title": "No body"}
    file = write(tmp_path / "many.jsonl", rows)
    with pytest.raises(CommandError, match=r"many\.jsonl, row 2346"):
        call_command("import_articles", str(file))
    assert not Article.objects.exists()


def test_a_nul_in_a_text_becomes_a_space(tmp_path: Path) -> None:
    row = {"id": "pin", "title": "The\0PIN", "body": "At a\0machine.", "tags": ["a\0b"]}
    call_command("import_articles", str(write(tmp_path / "nul.jsonl", [row])))
    article = Article.objects.get()
    assert (article.title, article.body) == ("The PIN", "At a machine.")
    assert article.tags == ["a b"]


def test_skip_bad_imports_the_rest(tmp_path: Path) -> None:
    file = write(tmp_path / "some.jsonl", [good(1), {"id": "bad"}, good(2)])
    call_command("import_articles", str(file), "--skip-bad")
    assert Article.objects.count() == 2


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.csv", b"wrong,columns\n1,2\n", "the header lacks the column"),
        ("a.jsonl", b'{"title": "\xff"}\n', "row 1: is not UTF-8"),
        ("a.jsonl", b"not json\n", "row 1: is not JSON"),
        ("a.jsonl", b'{"id": "a", "title": "T", "body": " "}\n', "'body' is empty"),
    ],
)
def test_malformed_files_are_named(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CommandError, match=problem):
        call_command("import_articles", str(tmp_path / name))


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no such file"):
        call_command("import_articles", str(tmp_path / "none.jsonl"))


def test_the_index_follows_the_articles(tmp_path: Path) -> None:
    call_command("import_articles", str(write(tmp_path / "a.jsonl", [good(1)])))
    assert set(knowledge.current().articles) == {"a-1"}
    call_command("import_articles", str(write(tmp_path / "b.jsonl", [good(2)])))
    known = knowledge.current()
    assert set(known.articles) == {"a-1", "a-2"}
    assert len(known.index) == 2


def test_a_file_without_articles_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_text("")
    with pytest.raises(CommandError, match=r"empty\.jsonl: holds no articles"):
        call_command("import_articles", str(file))


def test_changed_articles_are_updated_and_the_others_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [good(number) for number in range(1200)])
    call_command("import_articles", str(file))
    before = Article.objects.get(slug="a-7").updated_at
    rows = [good(number) | ({"body": "New."} if number == 1100 else {}) for number in range(1200)]
    call_command("import_articles", str(write(file, rows)))
    changed = Article.objects.get(slug="a-1100")
    assert (changed.body, changed.version) == ("New.", 2)
    assert Article.objects.get(slug="a-7").version == 1
    assert Article.objects.get(slug="a-1100").updated_at > before
    assert Article.objects.get(slug="a-7").updated_at == before


def test_a_language_that_is_none_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [good(1) | {"language": "zh-Hans"}, good(2)])
    call_command("import_articles", str(file))
    languages = Article.objects.order_by("slug").values_list("language", flat=True)
    assert list(languages) == ["zh-hans", "en"]
    with pytest.raises(CommandError, match=r"a\.jsonl, row 1: 'language'"):
        call_command("import_articles", str(write(file, [good(1) | {"language": "??"}])))
