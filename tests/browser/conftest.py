"""Browser tests: real Chromium, a real server, the real models; pages that complain fail a test."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from apps.accounts.services import DEMO_PASSWORD
from bench.server import ROOT, RunningServer
from tests.conftest import require

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TASKS = ("encoder", "intent", "sentiment", "topic", "ner")
PEOPLE = (
    "from apps.accounts.services import demo_users_load; "
    "from apps.core.jobs import NoProgress; demo_users_load(NoProgress())"
)
SCORING_SECONDS = 240
EMBEDDING = "'self',http://127.0.0.1:*"
"""The sites that may embed the chat: those that a test serves by this name of the machine."""
# What Chromium says of a connection that a test cuts on purpose.
LINE_CUT = r"WebSocket|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET"


# Two browsers and two servers with their models share two cores; what comes late is no failure.
expect.set_options(timeout=20_000)


class Complaints:
    """What went wrong on the pages of a test: console errors, policy violations, failed requests.

    A test that provokes one names it: ``complaints.allow(r"status of 404")``.
    """

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._allowed: list[str] = []

    def allow(self, *patterns: str) -> None:
        """Take complaints that match one of these regular expressions as expected."""
        self._allowed += patterns

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self._hear(f"script: {error}"))
        page.on("console", lambda line: self._hear_console(line.type, line.text))
        page.on("requestfailed", lambda request: self._hear_failure(request.url, request.failure))

    def unexpected(self) -> list[str]:
        return [
            text
            for text in self._heard
            if not any(re.search(pattern, text) for pattern in self._allowed)
        ]

    def _hear(self, text: str) -> None:
        self._heard.append(text)

    def _hear_console(self, kind: str, text: str) -> None:
        # What htmx says of a request that did not come back is told as a failed request, too, but
        # where the reader went to another page.
        unanswered = text.startswith(("htmx:afterRequest", "htmx:sendError"))
        if (kind == "error" and not unanswered) or "Content Security Policy" in text:
            self._hear(f"console: {text}")

    def _hear_failure(self, url: str, reason: str | None) -> None:
        if reason != "net::ERR_ABORTED":  # the reader went to another page
            self._hear(f"request: {url}: {reason}")


OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Closed after each module: its event loop runs in the thread that other tests use too."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def open_page(browser: Browser, complaints: Complaints) -> Iterator[OpenPage]:
    """``open_page(**options)``: a page in a browser context of its own, watched for complaints."""
    contexts: list[BrowserContext] = []

    def open_one(**options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("page", complaints.listen)  # also a page that a link opens
        return context.new_page()

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints.unexpected()


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


@pytest.fixture(scope="session")
def built_models() -> None:
    missing = [task for task in TASKS if not (ROOT / "var/models" / task / "active.json").exists()]
    require(not missing, f"models are not built ({', '.join(missing)}): make setup")


@pytest.fixture(scope="session")
def demonstrated(
    built_models: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Path:
    """A data folder with the demo content, its news scored, to be copied.

    Test processes beside each other share one, which the first that needs it makes.
    """
    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent
    var = folder / "demonstrated"
    with (folder / "demonstrated.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not var.exists():
            unfinished = folder / "demonstrated.part"
            with RunningServer(unfinished, worker=True) as server:
                server.prepare("load_demo")
                server.start()
                _wait_until_scored(server)
            unfinished.rename(var)
    return var


@pytest.fixture(scope="session")
def suite(
    demonstrated: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """The whole suite with its demo content, as ``make run`` serves it; shared by the tests."""
    var = tmp_path_factory.mktemp("suite") / "var"
    shutil.copytree(demonstrated, var, symlinks=True)
    with RunningServer(var, worker=True, TREFOIL_WIDGET_FRAME_ANCESTORS=EMBEDDING) as server:
        server.start()
        yield server


def _wait_until_scored(server: RunningServer) -> None:
    """The archive of news is scored by the server itself, in the background."""
    with httpx.Client(base_url=server.url, follow_redirects=True, timeout=30) as client:
        client.get("/accounts/sign-in/")
        form = {"csrfmiddlewaretoken": client.cookies["csrftoken"], "next": "/market/"}
        client.post("/accounts/sign-in/demo/anna/", data=form).raise_for_status()
        end = time.monotonic() + SCORING_SECONDS
        while client.get("/api/v1/market/status/").raise_for_status().json()["waiting"]:
            if time.monotonic() > end:
                pytest.fail("the demo news was not scored in time")
            time.sleep(0.2)


@pytest.fixture(scope="session")
def knowledge_only(built_models: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the knowledge base and the demo people, to be copied."""
    var = tmp_path_factory.mktemp("knowledge") / "var"
    server = RunningServer(var)
    server.prepare("import_articles demo/knowledge")
    server.manage("shell", "-c", PEOPLE)
    return var


@pytest.fixture
def bare(knowledge_only: Path, chromium: str, tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the knowledge base and the demo people alone, which a test may kill."""
    shutil.copytree(knowledge_only, tmp_path / "var", symlinks=True)
    with RunningServer(tmp_path / "var") as server:
        yield server


def sign_in(page: Page, server: RunningServer, username: str, path: str) -> Page:
    """Sign in as a demo person with the password and go on to ``path``."""
    page.goto(f"{server.url}/accounts/sign-in/?next={path}")
    page.fill("[name=username]", username)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}{path}")
    return page


def enter(page: Page, server: RunningServer, name: str, path: str) -> Page:
    """Press the home page's button of this name, which signs in as a demo person and opens
    ``path``, and wait for that page: who goes on before may find nobody signed in and, until the
    style sheets are read, links of other widths."""
    page.goto(server.url)
    page.get_by_role("button", name=name).click()
    page.wait_for_url(f"{server.url}{path}")
    return page


def say(page: Page, text: str) -> None:
    """Write ``text`` in the customer's chat and send it."""
    page.get_by_label("Your message").fill(text)
    page.get_by_role("button", name="Send").click()


def picture(page: Page, name: str) -> None:
    """Keep a picture of the page in the folder ``TREFOIL_SCREENSHOTS``, if that is set."""
    folder = os.environ.get("TREFOIL_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")
