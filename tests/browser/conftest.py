"""Browser tests: real Chromium, a real server, the real models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from bench.server import ROOT, RunningServer
from tests.conftest import require

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TASKS = ("encoder", "intent", "sentiment", "topic", "ner")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Closed after each module: its event loop runs in the thread that other tests use too."""
    require(CHROMIUM.exists(), "Chromium is not installed (Debian package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def built_models() -> None:
    missing = [task for task in TASKS if not (ROOT / "var/models" / task / "active.json").exists()]
    require(not missing, f"models are not built ({', '.join(missing)}): make setup")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page whose console errors fail the test."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: errors.append(line.text) if _is_policy(line.text) else None)
    yield page
    context.close()
    assert not errors, errors


def _is_policy(text: str) -> bool:
    return "Content Security Policy" in text


@pytest.fixture(scope="module")
def suite(
    browser: Browser, built_models: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """The whole suite with its demo content, as ``make run`` serves it."""
    with RunningServer(tmp_path_factory.mktemp("suite"), worker=True) as server:
        server.prepare("load_demo")
        server.start()
        yield server


@pytest.fixture
def bare(built_models: None, browser: Browser, tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the knowledge base alone, which a test may kill."""
    with RunningServer(tmp_path / "var") as server:
        server.prepare("import_articles demo/knowledge")
        yield server
