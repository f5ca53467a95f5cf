"""The button in the header: everything starts to move, once, and stops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, enter

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 90_000  # the simulation is a process of its own that has to start


def start(page: Page) -> Locator:
    return page.get_by_role("button", name="Simulate", exact=True)


def stop(page: Page) -> Locator:
    return page.locator(".simulate button.primary")


@pytest.fixture
def monitor(page: Page, suite: RunningServer) -> Iterator[Page]:
    enter(page, suite, "Open the monitor", "/market/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    page.mouse.move(1, 1)
    yield page
    page.goto(suite.url)
    if stop(page).count():
        stop(page).click()
        expect(start(page)).to_be_visible()


def test_customers_news_and_readers_arrive_until_it_is_stopped(
    monitor: Page, open_page: OpenPage, suite: RunningServer
) -> None:
    desk = enter(open_page(), suite, "Open the console", "/support/")
    desk.goto(f"{suite.url}/support/?tab=all")
    expect(desk.locator("[data-connection]")).to_have_text("Live")
    newest = desk.locator("[data-rows] li").first.get_attribute("data-id")
    read = monitor.locator(".tape-row").first.get_attribute("data-id")
    start(monitor).click()
    expect(stop(monitor)).to_be_visible()
    # The console's header is behind: pressing it there starts nothing twice and stops nothing.
    start(desk).click()
    expect(stop(desk)).to_be_visible()
    first_row = monitor.locator(".tape-row").first
    expect(first_row).not_to_have_attribute("data-id", str(read), timeout=SLOW)
    first_conversation = desk.locator("[data-rows] li").first
    expect(first_conversation).not_to_have_attribute("data-id", str(newest), timeout=SLOW)
    stop(monitor).click()
    expect(start(monitor)).to_be_visible()
    desk.reload()
    expect(start(desk)).to_be_visible()
