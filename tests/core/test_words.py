"""The pages' words in Chinese: all of them are there, screens show them, and a person's choice holds."""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
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
from django.test import Client

from apps.accounts.models import User
from apps.core.extracting import python_words, template_words
from tests.conftest import ClientFor

FOLDER = settings.BASE_DIR / "locale" / "zh_Hans" / "LC_MESSAGES"
CHINESE = {"accept-language": "zh-CN,zh;q=0.9"}
KEPT = re.compile(r"%\(\w+\)[sd]|%%|%d|\{\w+\}|</?\w+[^>]*>|&\w+;")
"""What a translation keeps: placeholders and markup."""


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
            of_all = {one for one in KEPT.findall(text)}
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


NAMES = re.compile(r"")


def leftovers(html: str) -> list[str]:
    shown = Shown()
    shown.feed(html)
    return [text.strip() for text in shown.words if re.search(r"[A-Za-z]{2,}", NAMES.sub("", text))]


SCREENS = {
    "member": ["/", "/accounts/", "/accounts/sign-in/", "/accounts/sign-up/", "/discover/",
               "/discover/profile/", "/discover/search/?q=sea", "/support/widget/", "/support/help/", "/nothing-here/"],
    "operator": ["/support/", "/support/knowledge/", "/support/reports/", "/support/macros/", "/support/teams/", "/support/gaps/"],
    "analyst": ["/market/", "/market/alerts/", "/market/rules/", "/market/watchlist/", "/market/sources/",
                "/market/delivery/", "/market/unusual/", "/market/silences/", "/market/review/", "/market/names/", "/market/replays/"],
    "administrator": ["/models/", "/models/runs/", "/models/data/", "/models/examples/", "/models/monitoring/", "/models/history/", "/models/trials/", "/discover/team/"],
}


@pytest.mark.django_db
@pytest.mark.parametrize("role", list(SCREENS))
def test_screens_in_chinese_have_no_english_left(
    role: str, request: pytest.FixtureRequest, client_for: ClientFor
) -> None:
    client = client_for(request.getfixturevalue(role))
    for path in SCREENS[role]:
        response = client.get(path, headers=CHINESE)
        html = response.content.decode()
        print(path, response.status_code, leftovers(html))
