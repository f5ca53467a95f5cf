"""The pages' words in Chinese: all are there, screens show them, and a person's choice holds."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import (
    DEFAULT_KEYWORDS,
    extract,
    extract_javascript,
    extract_python,
)
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.template import Context, Template
from django.test import Client
from django.utils import translation

from apps.accounts.models import User
from apps.core import errors
from apps.core.extracting import python_words, template_words
from apps.core.language import language_of
from tests.conftest import ClientFor

FOLDER = settings.BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES"
ME = "/api/v1/accounts/me/"
CHINESE = {"accept-language": "zh-CN,zh;q=0.9"}
KEPT = re.compile(r"%\(\w+\)[sd]|%%|%d|\{\w+\}|</?\w+[^>]*>|&\w+;")
"""What a translation keeps: placeholders and markup."""


@pytest.fixture(autouse=True)
def in_english() -> Iterator[None]:
    """A page leaves its language to the thread that asked for it: here, to the next test."""
    with translation.override(settings.LANGUAGE_CODE):
        yield


@cache
def catalogue(domain: str) -> Catalog:
    return read_po(BytesIO((FOLDER / f"{domain}.po").read_bytes()), locale="zh_Hans")


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """What make does before the tests, for a single file that is tested by hand."""
    for domain in ("django", "djangojs"):
        source, target = FOLDER / f"{domain}.po", FOLDER / f"{domain}.mo"
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            with target.open("wb") as file:
                write_mo(file, catalogue(domain))


KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "gettext_noop": None,
}
SOURCES: dict[str, list[tuple[str, Any, dict[str, Any]]]] = {
    "django": [
        ("templates/**/*.html", template_words, KEYWORDS),
        ("apps/**/*.py", python_words, KEYWORDS),
    ],
    "djangojs": [
        ("static/js/**/*.js", extract_javascript, {"translate": None, "translateCount": (1, 2)}),
        ("apps/**/*.py", extract_python, {"gettext_noop": None}),
    ],
}
"""As `make words` reads them."""


@pytest.mark.parametrize("domain", list(SOURCES))
def test_every_word_of_pages_and_scripts_has_a_translation(domain: str) -> None:
    known = {(one.context, one.id) for one in catalogue(domain)}
    read = 0
    for pattern, method, keywords in SOURCES[domain]:
        for path in settings.BASE_DIR.glob(pattern):
            if "management" in path.parts:
                continue
            code = path.read_bytes()
            if not any(word.encode() in code for word in keywords):
                continue
            options = {"parse_template_string": True}
            for _, text, _, context in extract(method, BytesIO(code), keywords, options=options):
                read += 1
                assert (context, text) in known, f"{path.name}: {text!r}; run make words"
    assert read > (2000 if domain == "django" else 100)


def texts(message: Message) -> tuple[set[str], list[str]]:
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    return {one for text in ids for one in KEPT.findall(text)}, strings


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_translations_keep_placeholders_and_markup(domain: str) -> None:
    for message in catalogue(domain):
        if not message.id:
            continue
        kept, strings = texts(message)
        assert all(strings), message.id
        for text in strings:
            of_all = set(KEPT.findall(text))
            assert of_all <= kept, (message.id, text)
            one = message.id if isinstance(message.id, str) else None
            assert one is None or of_all == kept, (message.id, text)


class Shown(HTMLParser):
    """The words of a page: its text, and the attributes that are read out or shown."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden += tag in ("script", "style", "code", "textarea")
        for name, value in attrs:
            if name in ("title", "aria-label", "placeholder") and value:
                self.words.append(value)

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("script", "style", "code", "textarea")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


NAMES = re.compile(
    r"https?://\S*|/api/v1/\S*|Trefoil|Larkspur|API|CSV|JSONL?|Markdown|HTML|RSS|Atom|UTC|Webhook|Slack"
    r"|CPU|PIN|ID|MB|Parquet|Ctrl|Alt|Shift|Enter|Esc|My card (still )?has not arrived"
    r"|strike, plant fire|name、ticker、alias、former name、brand|the-\w+"
    r"|title, body, url, source, published_at|ticker, date, close|\{customer\}|English|sea"
    r"|zip|front matter|Christmas|Europe/London|conversation\.seen"
    r"|AUROC|ECE|F1|MRR|encoder|support_|targeted_|intent|ner|pii|sentiment|topic|toxicity"
    r"|Olivia|Omar|Anna|Lena|Mei|Ada|Member|Operator|Analyst|Administrator"
)
"""What a Chinese page writes in Latin letters: names, formats, keys, tasks and people."""


def leftovers(html: str) -> list[str]:
    shown = Shown()
    shown.feed(html)
    return [text.strip() for text in shown.words if re.search(r"[A-Za-z]{2,}", NAMES.sub("", text))]


SCREENS = {
    "member": [
        *("/", "/accounts/", "/accounts/sign-in/", "/accounts/sign-up/", "/nothing-here/"),
        *("/discover/", "/discover/profile/", "/discover/search/?q=sea"),
        *("/support/widget/", "/support/help/", "/market/", "/support/teams/"),
    ],
    "operator": [
        f"/support/{page}"
        for page in ("", "knowledge/", "reports/", "macros/", "gaps/", "knowledge/import/")
    ],
    "analyst": [
        f"/market/{page}"
        for page in (
            *("", "alerts/", "rules/", "watchlist/", "sectors/", "sources/", "delivery/"),
            *("unusual/", "silences/", "review/", "names/", "replays/"),
        )
    ],
    "administrator": [
        *(f"/models/{page}" for page in ("", "runs/", "data/", "examples/", "monitoring/")),
        *("/models/history/", "/models/trials/", "/support/hours/"),
        *("/support/audit/", "/support/retention/", "/discover/catalogue/"),
    ],
}


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(SCREENS))
def test_screens_in_chinese_have_no_english_left(
    role: str,
    request: pytest.FixtureRequest,
    client_for: ClientFor,
    settings: Any,
    tmp_path: Path,
) -> None:
    settings.ML_MODELS_DIR = tmp_path  # what people call models of their own is not ours
    client = client_for(request.getfixturevalue(role))
    left = {}
    for path in SCREENS[role]:
        response = client.get(path, headers=CHINESE)
        assert response.headers["Content-Language"] == "zh-hans"
        html = response.content.decode()
        assert '<html lang="zh-hans">' in html
        left |= {path: words} if (words := leftovers(html)) else {}
    assert not left


@pytest.mark.django_db
def test_a_choice_of_language_is_kept_in_the_account_and_for_the_browser(
    member: User, client_for: ClientFor
) -> None:
    client = client_for(member)
    chosen = {"language": "zh-hans", "next": "/accounts/?a=1"}
    assert client.post("/accounts/language/", chosen).headers["Location"] == "/accounts/?a=1"
    assert "账号" in client.get("/accounts/").content.decode()
    elsewhere = client_for(member)
    assert "账号" in elsewhere.get("/accounts/", headers={"accept-language": "en"}).content.decode()
    client.post("/accounts/sign-out/")
    assert "登录" in client.get("/accounts/sign-in/").content.decode()
    assert client.post("/accounts/language/", {"language": "en"}).status_code == 302
    assert "Sign in" in client.get("/accounts/sign-in/", headers=CHINESE).content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "foreign", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"]
)
def test_a_choice_of_language_leads_to_no_other_site(client: Client, foreign: str) -> None:
    answer = client.post("/accounts/language/", {"language": "zh-hans", "next": foreign})
    assert answer.headers["Location"] == "/"
    assert client.get("/accounts/language/").status_code == 405


@pytest.mark.django_db
def test_a_language_that_there_is_none_of_is_refused(member: User, client_for: ClientFor) -> None:
    client = client_for(member)
    assert client.post("/accounts/language/", {"language": "tlh"}).status_code == 422
    told = client.patch(ME, {"language": "tlh"}, content_type="application/json")
    assert told.status_code == 422
    assert "zh-hans" in told.json()["detail"]
    member.refresh_from_db()
    assert member.language == ""


@pytest.mark.django_db
def test_the_api_speaks_english_unless_it_is_asked_for_chinese(
    member: User, client_for: ClientFor
) -> None:
    client = client_for(member)
    unknown = "/api/v1/accounts/tokens/nothing/"
    assert client.delete(unknown).json()["detail"] == "There is no such token."
    asked = client.delete(unknown, headers=CHINESE).json()
    assert (asked["code"], asked["detail"]) == ("not_found", "没有此令牌。")
    changed = client.patch(ME, {"language": "zh-hans"}, content_type="application/json")
    assert changed.json()["language"] == "zh-hans"
    assert client.delete(unknown).json()["detail"] == "没有此令牌。"


@pytest.mark.django_db
def test_a_problem_says_what_it_is_about_in_either_language(
    member: User, client_for: ClientFor
) -> None:
    client = client_for(member)
    wrong = {"language": "tlh"}

    def told(**headers: str) -> str:
        answer = client.patch(ME, wrong, content_type="application/json", headers=headers)
        return str(answer.json()["detail"])

    assert told() == "The pages have these languages: en, zh-hans."
    assert told(**CHINESE) == "页面支持的语言：en, zh-hans。"


KINDS = {name for name, kind in vars(errors).items() if isinstance(kind, type)} | {"Wording"}


def test_problems_are_raised_with_literals_and_filled_with_all_that_they_name() -> None:
    """What is put together before it is raised would be in no catalogue."""
    read = 0
    for path in settings.BASE_DIR.glob("apps/**/*.py"):
        for call in ast.walk(ast.parse(path.read_bytes())):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
                continue
            text = call.args[0]
            if call.func.id not in KINDS or "management" in path.parts:
                continue
            where = f"{path.name}, line {call.lineno}"
            if isinstance(text, ast.JoinedStr):
                words = "".join(
                    part.value for part in text.values if isinstance(part, ast.Constant)
                )
                assert not re.search(r"[A-Za-z]{4}", words), where
            if isinstance(text, ast.Constant):
                read += 1
                of_problems = set() if call.func.id == "Wording" else {"code", "status", "fields"}
                named = {one.arg for one in call.keywords} - of_problems
                assert set(re.findall(r"%\((\w+)\)", text.value)) == named, where
    assert read > 400


@pytest.mark.django_db
def test_a_page_brings_the_words_of_its_scripts(client: Client) -> None:
    page = client.get("/", headers=CHINESE)
    words = re.search(
        r'<script id="words" type="application/json">(.*?)</script>', page.content.decode()
    )
    assert words
    known = json.loads(words[1])
    assert known["Live"] == "实时"
    assert known["{n} file"] == ["{n} 个文件"]
    assert 'id="words"' not in client.get("/").content.decode()


@pytest.mark.django_db
def test_the_site_that_embeds_the_chat_may_choose_its_language(client: Client) -> None:
    assert 'lang="zh-hans"' in client.get("/support/widget/?language=zh-hans").content.decode()
    assert 'lang="en"' in client.get("/support/widget/?language=tlh").content.decode()


def test_dates_and_numbers_are_written_as_in_the_language() -> None:
    page = Template('{% load humanize %}{{ day|date:"j M Y" }} {{ many|intcomma }}')
    context = Context({"day": date(2026, 5, 3), "many": 1234567})
    assert page.render(context) == "3 May 2026 1,234,567"
    with translation.override("zh-hans"):
        assert page.render(context) == "2026年5月3日 1,234,567"


@pytest.mark.parametrize(
    ("scope", "language"),
    [
        ({}, "en"),
        ({"headers": [(b"accept-language", b"fr, zh-TW;q=0.8, en;q=0.5")]}, "zh-hans"),
        (
            {"headers": [(b"accept-language", b"*")], "cookies": {"django_language": "zh-hans"}},
            "zh-hans",
        ),
        ({"user": User(language="en"), "cookies": {"django_language": "zh-hans"}}, "en"),
    ],
)
def test_a_socket_speaks_as_its_page_does(scope: dict[str, Any], language: str) -> None:
    assert language_of(scope) == language
