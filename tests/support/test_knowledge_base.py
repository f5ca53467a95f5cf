"""The screens and endpoints of those who write the knowledge base."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.accounts.models import AuditEntry, User
from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.core.models import Job
from apps.support import knowledge, selectors, services
from apps.support.models import Article, ArticleUpload
from apps.support.services import uploads
from tests.support.conftest import Silent, client_of

pytestmark = pytest.mark.django_db
BASE = "/support/knowledge"
API = "/api/v1/support/articles"
FORM = {"title": "Bringing a dog", "body": "Dogs are welcome.", "language": "en"}


@pytest.fixture(autouse=True)
def var(settings: Any, tmp_path: Path) -> Path:
    settings.VAR_DIR = tmp_path / "var"
    return tmp_path / "var"


def file(name: str, content: bytes | str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)


def zipped(pages: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in pages.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def jsonl(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def packed_otherwise(pages: dict[str, str | bytes]) -> bytes:
    """An archive that says of its first page that it is packed by a method that nobody knows."""
    data = bytearray(zipped(pages))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = data.index(signature) + offset
        data[at : at + 2] = (97).to_bytes(2, "little")
    return bytes(data)


def send(client: Client, *files: SimpleUploadedFile) -> Any:
    return client.post(f"{BASE}/import/", {"files": list(files)}, follow=True)


def content(**more: Any) -> services.Content:
    return services.Content(**{"title": "Dogs", "body": "Welcome.", **more})


def test_strangers_and_members_write_nothing(mei: User, olivia: User) -> None:
    article = services.article_create(author=olivia, content=content())
    gets = ["/", "/new/", "/import/", f"/a/{article.slug}/", f"/a/{article.slug}/versions/"]
    posts = [*gets[1:4], "/preview/", f"/a/{article.slug}/delete/"]
    posts.append(f"/a/{article.slug}/versions/1/restore/")
    for path in gets:
        assert Client().get(BASE + path).status_code == 302
        assert client_of(mei).get(BASE + path).status_code == 403
    for path in posts:
        assert client_of(mei).post(BASE + path, FORM).status_code == 403
    member = client_of(mei)
    assert member.get(f"{API}/?state=draft").status_code == 403
    assert member.get(f"{API}/dogs/versions/").status_code == 403
    assert member.post(f"{API}/dogs/versions/1/restore/").status_code == 403
    assert member.post(f"{API}/upload/", {"files": file("a.md", "# A\nb")}).status_code == 403
    assert Article.objects.get().version == 1


def test_an_article_is_written_published_and_changed(olivia: User) -> None:
    client = client_of(olivia)
    form = FORM | {"audience": "public", "tags": "pets, pets,", "questions": "Can my dog come?\n\n"}
    answer = client.post(f"{BASE}/new/", form | {"save": "draft"}, follow=True)
    assert "Saved as a draft" in answer.content.decode()
    article = Article.objects.get()
    assert (article.slug, article.published, article.version) == ("bringing-a-dog", False, 1)
    assert (article.tags, article.questions) == (["pets"], ["Can my dog come?"])
    url = f"{BASE}/a/{article.slug}/"
    client.post(url, form | {"save": "publish", "version": 1})
    article.refresh_from_db()
    assert (article.published, article.version) == (True, 2)
    assert article.slug in knowledge.current().articles
    actions = AuditEntry.objects.filter(actor=olivia).values_list("action", flat=True)
    assert set(actions) == {"article.created", "article.changed"}


def test_a_save_over_anothers_is_refused_and_keeps_the_text(olivia: User, omar: User) -> None:
    services.article_create(author=olivia, content=content())
    services.article_update(slug="dogs", author=omar, content=content(body="Two."), version=1)
    with pytest.raises(Conflict, match="version 2"):
        services.article_update(slug="dogs", author=olivia, content=content(body="X"), version=1)
    form = FORM | {"audience": "public", "body": "My long text", "version": 1}
    page = client_of(olivia).post(f"{BASE}/a/dogs/", form)
    assert page.status_code == 409
    assert "My long text" in page.content.decode()
    assert Article.objects.get().body == "Two."


def test_bad_fields_are_named_and_nothing_is_lost(olivia: User) -> None:
    form = FORM | {"audience": "public", "language": "??", "title": "", "body": "kept text"}
    page = client_of(olivia).post(f"{BASE}/new/", form)
    assert page.status_code == 422
    assert "kept text" in page.content.decode()
    assert "Write a code such as" in page.content.decode()
    services.article_create(author=olivia, content=content(), slug="taken")
    page = client_of(olivia).post(f"{BASE}/new/", FORM | {"audience": "public", "slug": "taken"})
    assert page.status_code == 409
    with pytest.raises(InvalidInput, match="letters and digits"):
        services.article_create(author=olivia, content=content(title="狗"))


def test_two_articles_of_one_title_have_two_ids(olivia: User) -> None:
    ids = [services.article_create(author=olivia, content=content()).slug for _ in range(3)]
    assert ids == ["dogs", "dogs-2", "dogs-3"]


def test_versions_are_kept_and_restored(olivia: User) -> None:
    services.article_create(author=olivia, content=content(body="One."))
    services.article_update(slug="dogs", author=olivia, content=content(body="Two."))
    services.article_update(slug="dogs", author=olivia, content=content(body="Two."))
    client = client_of(olivia)
    assert "One." in client.get(f"{BASE}/a/dogs/versions/?show=1").content.decode()
    assert client.get(f"{BASE}/a/dogs/versions/?show=9").status_code == 404
    client.post(f"{BASE}/a/dogs/versions/1/restore/")
    article = Article.objects.get()
    assert (article.body, article.version) == ("One.", 3)
    rows = client.get(f"{API}/dogs/versions/").json()
    assert [row["number"] for row in rows] == [3, 2, 1]
    assert rows[0]["origin"] == "restored from version 1"
    assert client.post(f"{API}/dogs/versions/9/restore/").status_code == 404


def test_only_the_team_sees_drafts_and_its_own_articles(olivia: User, mei: User) -> None:
    services.article_create(author=olivia, content=content(title="Draft", published=False))
    services.article_create(author=olivia, content=content(title="Inner", audience="team"))
    assert not knowledge.current().articles
    for slug in ("draft", "inner"):
        assert Client().get(f"/support/help/{slug}/").status_code == 404
        assert client_of(mei).get(f"{API}/{slug}/").status_code == 404
        assert client_of(olivia).get(f"{API}/{slug}/").status_code == 200
    assert client_of(mei).get(f"{API}/").json()["results"] == []
    for state, titles in (("draft", ["Draft"]), ("team", ["Inner"]), ("published", [])):
        rows = client_of(olivia).get(f"{API}/?state={state}").json()["results"]
        assert [row["title"] for row in rows] == titles


def test_the_list_is_searched_and_offers_to_write_what_is_missing(olivia: User) -> None:
    services.article_create(author=olivia, content=content(tags=("pets",)))
    client = client_of(olivia)
    assert "Dogs" in client.get(f"{BASE}/?q=welcome&tag=pets").content.decode()
    part = client.get(f"{BASE}/?q=parrots", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert f"{BASE}/new/?title=parrots" in part
    assert "parrots" in client.get(f"{BASE}/new/?title=parrots").content.decode()
    assert list(selectors.knowledge_base(tag="pet")) == []


def test_the_preview_runs_no_script(olivia: User) -> None:
    body = {"body": "# Hi\n\n<script>alert(1)</script> [x](javascript:alert(1))"}
    html = client_of(olivia).post(f"{BASE}/preview/", body).content.decode()
    assert "<h1>Hi</h1>" in html
    assert "<script" not in html
    assert 'href="javascript' not in html


def test_a_zip_of_markdown_and_html_is_seen_then_imported(olivia: User) -> None:
    pages: dict[str, str | bytes] = {
        "kb/dogs.md": "# Can I bring a dog?\n\nDogs are welcome.",
        "kb/cats.html": "<title>x</title><nav>menu</nav><main><h1>Cats</h1><p>Cats <b>too</b>."
        "<script>alert(1)</script></p></main>",
        "__MACOSX/._dogs.md": "junk",
        "kb/picture.png": b"\x89PNG",
        "../evil.md": "# Evil\n\nNot outside.",
    }
    client = client_of(olivia)
    page = send(client, file("kb.zip", zipped(pages)))
    assert "Import 2 articles" in page.content.decode()
    assert not Article.objects.exists()
    done = client.post(page.redirect_chain[-1][0], {"import": "1"}, follow=True)
    assert "2 articles are imported" in done.content.decode()
    assert Article.objects.get(slug="dogs").title == "Can I bring a dog?"
    assert Article.objects.get(slug="cats").body == "Cats **too**."
    assert set(knowledge.current().articles) == {"dogs", "cats"}
    assert client.post(page.redirect_chain[-1][0], {"import": "1"}).status_code == 404


def test_the_columns_of_a_table_are_guessed_and_chosen(olivia: User) -> None:
    client = client_of(olivia)
    page = send(client, file("faq.csv", "Question,Answer,Group\nDogs?,Welcome.,pets\n"))
    assert page.context["preview"].mapping == {"title": "Question", "body": "Answer"}
    url = page.redirect_chain[-1][0]
    client.post(url, {"title": "Question", "body": "Answer", "tags": "Group", "import": "1"})
    assert Article.objects.get().tags == ["pets"]
    page = send(client, file("odd.csv", "a,b\n1,2\n"))
    assert "choose the columns that hold title, body" in page.content.decode()
    chosen = client.post(page.redirect_chain[-1][0], {"title": "a", "body": "b"})
    assert "Import 1 article" in chosen.content.decode()


def test_one_bad_row_refuses_the_file_unless_left_out(olivia: User) -> None:
    rows = [{"id": "a", "title": "A", "body": "x"}, {"id": "b", "title": "B", "body": ""}]
    client = client_of(olivia)
    page = send(client, file("faq.jsonl", jsonl(rows)))
    assert "faq.jsonl, row 2: &#x27;body&#x27; is empty" in page.content.decode()
    url = page.redirect_chain[-1][0]
    refused = client.post(url, {"import": "1"})
    assert (refused.status_code, Article.objects.count()) == (422, 0)
    client.post(url, {"import": "1", "skip_bad": "on", "as_drafts": "on"})
    assert [(a.slug, a.published) for a in Article.objects.all()] == [("a", False)]


def test_files_are_refused_in_the_reader_s_language(olivia: User) -> None:
    client = client_of(olivia)
    client.cookies["django_language"] = "zh-hans"
    page = send(client, file("a.zip", zipped({"odd.md": b"\xff", "empty.md": "# A title\n"})))
    said = page.content.decode().replace("&#x27;", "'")
    assert "a.zip/odd.md：不是 UTF-8（第 0 字节）" in said
    assert "a.zip/empty.md：'body' 为空或超过 200,000 个字符" in said
    refused = client.post(page.redirect_chain[-1][0], {"import": "1"})
    assert (refused.status_code, "未导入任何内容。" in refused.content.decode()) == (422, True)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", b"%PDF", "is none of Markdown"),
        ("a.zip", b"no zip", "no zip archive"),
        ("a.zip", zipped({"a.txt": "x"}), "holds no Markdown or HTML files"),
        ("a.zip", packed_otherwise({"a.md": "# A\nx"}), "is damaged or no zip archive"),
        ("a.md", b"\xff\xfe", "is not UTF-8"),
        ("a.md", b"---\na: [\n---\nx", "front matter is not YAML"),
        ("a.md", b"# Only a title\n", "is empty or longer"),
        ("a.html", b"<div>" * 5000, "is nested too deeply"),
        ("a.jsonl", b"", "There is no article in it"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    olivia: User, name: str, data: bytes, words: str
) -> None:
    page = send(client_of(olivia), file(name, data))
    assert words in page.content.decode().replace("&#x27;", "'")
    assert not Article.objects.exists()


def test_uploads_are_bounded(olivia: User, monkeypatch: pytest.MonkeyPatch, var: Path) -> None:
    monkeypatch.setattr(uploads, "MAX_BYTES", 10)
    with pytest.raises(InvalidInput, match="at most"):
        uploads.upload_create(owner=olivia, files=[file("a.md", "x" * 11)])
    with pytest.raises(InvalidInput, match="upload it alone"):
        uploads.upload_create(owner=olivia, files=[file("a.md", "x"), file("b.csv", "y")])
    assert not ArticleUpload.objects.exists()
    upload = uploads.upload_create(owner=olivia, files=[file("../../x.md", "# A\nb")])
    assert [path.name for path in var.rglob("*.md")] == ["x.md"]
    assert upload.name == "x.md"


def test_anothers_upload_does_not_exist(olivia: User, omar: User) -> None:
    upload = uploads.upload_create(owner=olivia, files=[file("a.md", "# A\nb")])
    url = f"{BASE}/import/{upload.id}/"
    assert client_of(omar).get(url).status_code == 404
    assert client_of(omar).post(url, {"import": "1"}).status_code == 404
    assert client_of(olivia).get(url).status_code == 200


def test_many_articles_become_a_job_with_progress(olivia: User, mei: User) -> None:
    rows = [{"id": f"a-{at}", "title": f"A {at}", "body": "x"} for at in range(300)]
    client = client_of(olivia)
    page = send(client, file("faq.jsonl", jsonl(rows)))
    shown = client.post(page.redirect_chain[-1][0], {"import": "1"}, follow=True)
    job = Job.objects.get()
    assert (job.owner, job.kind) == (olivia, uploads.IMPORT_JOB)
    assert "Import 300 articles of faq.jsonl" in shown.content.decode()
    assert client_of(mei).get(f"/jobs/{job.id}/").status_code == 404
    outcome = uploads.run_import(Silent(), **job.arguments)
    assert (outcome["created"], Article.objects.count()) == (300, 300)
    with pytest.raises(NotFound):
        uploads.run_import(Silent(), **job.arguments)


def test_old_uploads_are_deleted(olivia: User, var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uploads.upload_create(owner=olivia, files=[file("a.md", "# A\nb")])
    assert uploads.uploads_prune() == 0
    monkeypatch.setattr(uploads, "KEPT", -uploads.KEPT)
    assert uploads.uploads_prune() == 1
    assert not list(var.rglob("*.md"))


def test_articles_are_imported_through_the_api(olivia: User) -> None:
    client = client_of(olivia)
    table = "Question,Answer\nDogs?,Welcome.\n"
    seen = client.post(f"{API}/upload/", {"files": file("a.csv", table), "preview": "true"}).json()
    assert (seen["number"], seen["mapping"]["title"]) == (1, "Question")
    assert not Article.objects.exists()
    done = client.post(f"{API}/upload/", {"files": file("a.csv", table)}).json()
    assert done == {"created": 1, "updated": 0, "unchanged": 0, "skipped": 0}
    assert client.post(f"{API}/upload/", {}).status_code == 422
    body = {"title": "Dogs", "body": "x", "published": False}
    answer = client.put(f"{API}/dogs/", body, content_type="application/json").json()
    assert (answer["published"], answer["version"]) == (False, 2)


def test_the_widget_offers_the_question_to_try(client: Client) -> None:
    page = client.get("/support/widget/", {"ask": "<b>Dogs?"}).content.decode()
    assert "&lt;b&gt;Dogs?</textarea>" in page
