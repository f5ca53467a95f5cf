"""Every screen, light and dark, held against axe-core: no serious and no critical violation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from bench.server import RunningServer
from tests.browser.conftest import Complaints, OpenPage, enter

pytestmark = [pytest.mark.browser, pytest.mark.models]

GRAVE = ("serious", "critical")
# A person and the screens seen as that person; "start > link" opens what the link leads to.
SCREENS: dict[str, tuple[str, ...]] = {
    "": (
        *("/", "/accounts/sign-in/", "/accounts/sign-up/", "/nowhere/"),
        *("/support/widget/", "/support/help/", "/support/help/ > .help-card"),
        *("/discover/", "/discover/search/?q=a+storm+at+sea", "/discover/ > .book h3 a"),
        "/discover/profile/",
    ),
    "olivia": (
        *("/support/", "/support/?tab=mine", "/support/?tab=all > .row-link", "/accounts/"),
        *("/support/knowledge/", "/support/knowledge/?q=zzzz", "/support/knowledge/new/"),
        *("/support/knowledge/import/", "/support/knowledge/ > .article-row-main a"),
        *("/support/knowledge/a/change-pin/versions/", "/support/macros/"),
    ),
    "anna": (
        *("/market/", "/market/?text=zzzz", "/market/alerts/?state=all", "/market/rules/"),
        *(
            "/market/sources/",
            "/market/replays/",
            "/market/ > .tape-title",
            "/market/ > .moved-tile",
        ),
        *("/market/delivery/", "/market/silences/", "/market/alerts/?state=silenced"),
        "/market/alerts/?state=all > .alert-actions a",
        "/market/rules/ > a[href$='/handling/']",
        *("/market/sectors/", "/market/unusual/", "/market/review/", "/market/watchlist/"),
    ),
    "admin": (
        *("/discover/catalogue/", "/models/", "/models/examples/", "/models/ > .hub-version a"),
        *("/support/promises/", "/support/gaps/", "/support/reports/", "/support/replays/"),
        *("/support/customers/", "/support/customers/ > .article-row-main a"),
        "/support/reports/conversations/?part=automated",
        *("/support/retention/", "/support/audit/", "/support/webhooks/"),
    ),
    "lena": (
        *("/support/teams/", "/support/hours/", "/support/?tab=all&q=card"),
        *("/models/data/", "/models/runs/", "/models/history/", "/models/prediction/"),
        *("/models/monitoring/", "/models/trials/", "/models/label/"),
        *("/models/examples/disputes/", "/models/nightly/", "/models/monitoring/week/"),
    ),
}


def violations(page: Page) -> Iterator[str]:
    """The grave ones of the open screen: rule, element, what axe says of it."""
    found: dict[str, Any] = Axe().run(page).response
    for violation in found["violations"]:
        if violation["impact"] not in GRAVE:
            continue
        for node in violation["nodes"]:
            about = node["failureSummary"].replace("\n", " ")
            yield f"{violation['id']}: {node['html'][:120]}: {about[:300]}"


def visit(page: Page, server: RunningServer, screen: str) -> None:
    path, _, link = screen.partition(" > ")
    page.goto(f"{server.url}{path}")
    if link:
        href = page.locator(link).first.get_attribute("href")
        page.goto(f"{server.url}{href}")
    page.wait_for_load_state("networkidle")


def wear(page: Page, scheme: Any) -> None:
    """Have the open page as a system of this colour scheme shows it."""
    page.emulate_media(color_scheme=scheme)
    page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")


@pytest.mark.parametrize("person", SCREENS)
def test_screens_are_accessible(
    open_page: OpenPage, suite: RunningServer, complaints: Complaints, person: str
) -> None:
    complaints.allow("status of 404")  # one of the screens is that of a missing page
    page = open_page(reduced_motion="reduce")  # nothing is between two colours when they change
    if person:
        page.goto(f"{suite.url}/accounts/sign-in/")
        page.locator(f'form[action$="/demo/{person}/"] button').click()
        page.wait_for_url(lambda url: "sign-in" not in url)
    bad = {}
    schemes = ("light", "dark")
    for screen in SCREENS[person]:
        visit(page, suite, screen)
        for scheme in schemes:
            wear(page, scheme)
            if found := list(violations(page)):
                bad[screen, scheme] = found
        schemes = schemes[::-1]  # the next screen is opened in the one that is worn
    assert not bad


def test_the_list_of_keys_is_accessible(open_page: OpenPage, suite: RunningServer) -> None:
    page = enter(open_page(), suite, "Open the console", "/support/")
    page.locator(".rows a").first.wait_for()  # the console listens to keys by then
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    assert not list(violations(page))
