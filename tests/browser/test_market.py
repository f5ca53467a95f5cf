"""An analyst's page: news and alerts arrive, wait while it is read, and answer to rules."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, enter, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]

POST = """async (article) => {
    const token = document.querySelector('meta[name="csrf-token"]').content;
    const answer = await fetch("/api/v1/market/articles/", {
        method: "POST",
        headers: {"Content-Type": "application/json", "X-CSRFToken": token},
        body: JSON.stringify({source: "Browser wire", ...article}),
    });
    return answer.status;
}"""
BAD = "Halvern Steel shares plunge 30% after huge loss and bankruptcy warning"


@pytest.fixture
def monitor(page: Page, suite: RunningServer) -> Page:
    """The monitor of the demo analyst, the pointer away from the tape."""
    enter(page, suite, "Open the monitor", "/market/")
    expect(page.locator("[data-connection]")).to_have_text("Live")
    page.mouse.move(1, 1)
    return page


def post(page: Page, title: str, **more: Any) -> None:
    assert page.evaluate(POST, {"title": title, **more}) == 201


def test_the_first_visit_shows_news_alerts_and_movers(monitor: Page) -> None:
    assert monitor.locator(".tape-row").count() >= 40
    assert monitor.locator(".moved-tile").count() >= 5
    assert monitor.locator("[data-alert]").count() >= 1


def test_news_and_its_alert_arrive_on_the_open_page(monitor: Page) -> None:
    post(monitor, BAD)
    row = monitor.locator(".tape-row").first
    expect(row.locator(".tape-title")).to_have_text(BAD)
    expect(row.locator(".ticker")).to_contain_text("HALV")
    expect(row.locator(".sentiment")).to_contain_text("▼")
    alert = monitor.locator("[data-alert]", has_text=BAD).filter(has_text="Halvern Steel, all")
    expect(alert).to_be_visible()
    expect(alert.locator(".sentiment")).to_contain_text(re.compile(r"▼\s*negative\s*−\d\d%"))
    number = int(monitor.locator("[data-alert-number]").inner_text())
    alert.get_by_role("button", name="Acknowledge").click()
    expect(alert).to_have_count(0)
    expect(monitor.locator("[data-alert-number]")).to_have_text(str(number - 1))
    monitor.reload()
    expect(alert).to_have_count(0)


def test_a_program_with_a_token_of_ones_own_posts_news(
    monitor: Page, open_page: OpenPage, suite: RunningServer
) -> None:
    account = sign_in(open_page(), suite, "anna", "/accounts/")
    account.get_by_label("Name").fill("Wire of the browser test")
    account.get_by_role("button", name="Create token").click()
    secret = account.get_by_role("status").locator("code").inner_text()
    title = "Telvanta shares plunge after regulator opens fraud probe"
    answer = httpx.post(
        f"{suite.url}/api/v1/market/articles",
        headers={"Authorization": f"Token {secret}"},
        json={"title": title, "source": "A program"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    row = monitor.locator(".tape-row", has_text=title)
    expect(row.locator(".sentiment")).to_contain_text("▼")
    expect(row.locator(".ticker")).to_contain_text("TLVA")


def test_news_waits_while_the_tape_is_read(monitor: Page) -> None:
    monitor.locator(".tape-row").nth(2).hover()
    title = "Fjordal Seafood opens a hatchery in Bergen"
    post(monitor, title)
    pill = monitor.locator("[data-new-pill]")
    expect(pill).to_have_text(re.compile(r"1 new"))
    expect(monitor.locator(".tape-title", has_text=title)).to_have_count(0)
    pill.click()
    expect(monitor.locator(".tape-row").first).to_contain_text(title)
    expect(pill).to_be_hidden()


def test_a_repeat_is_folded_into_its_story_and_a_retraction_marks_it(monitor: Page) -> None:
    title, body = "Keel Marine wins ferry order from Norway", "The ships are due in three years."
    post(monitor, title, body=body, url="https://browser.example/1")
    row = monitor.locator(".tape-row", has_text=title)
    expect(row).to_be_visible()
    post(monitor, f"UPDATE 1-{title}", body=body, url="https://browser.example/2")
    expect(row.locator(".tape-similar")).to_have_text(re.compile(r"\+1\s+similar"))
    expect(monitor.locator(".tape-row", has_text=title)).to_have_count(1)
    post(monitor, f"RETRACTED - {title}", body=body, url="https://browser.example/3")
    expect(row.last.locator("[data-amended]")).to_have_text("withdrawn since")
    row.last.locator(".tape-title").click()
    expect(monitor.get_by_role("note")).to_contain_text("This story was withdrawn.")
    monitor.get_by_role("button", name="Where do they come from?").click()
    expect(monitor.locator("#provenance")).to_contain_text("sentiment")


RUSH = """async () => {
    const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
    const { toast } = await import(loaded.find((name) => name.includes("/toast")));
    const fold = { group: "test", words: (n) => `${n} more` };
    for (let n = 1; n <= 15; n += 1) toast(`Alert ${n}`, { fold });
    toast("Could not be saved.", { kind: "danger" });
    return [...document.querySelectorAll(".toasts li")].map((item) => item.textContent);
}"""


def test_a_rush_of_notices_folds_and_hides_no_error(monitor: Page) -> None:
    shown = ["Alert 1", "Alert 2", "Alert 3", "12 more", "Could not be saved."]
    assert monitor.evaluate(RUSH) == shown
    expect(monitor.locator(".toasts li")).to_have_count(0, timeout=20_000)


def test_a_filter_holds_for_the_list_and_for_what_arrives(monitor: Page) -> None:
    monitor.get_by_role("combobox", name="Company").fill("TLVA")
    monitor.get_by_role("combobox", name="Company").press("Enter")
    expect(monitor.locator(".tape-row").first.locator(".ticker", has_text="TLVA")).to_be_visible()
    monitor.mouse.move(1, 1)
    post(monitor, "Orchard hires a head of design")
    post(monitor, "Telvanta profit beats forecasts as customers return")
    expect(monitor.locator(".tape-row").first).to_contain_text("Telvanta profit beats")
    assert monitor.locator(".tape-row", has_text="Orchard hires").count() == 0
    monitor.get_by_role("combobox", name="Company").fill("")
    monitor.get_by_role("combobox", name="Company").press("Enter")
    expect(monitor.locator(".tape-row", has_text="Orchard hires")).to_be_visible()
    monitor.get_by_text("More filters").click()
    monitor.get_by_label("Companies", exact=True).select_option(label="Health Care")
    expect(monitor.locator(".tape-row", has_text="Telvanta")).to_have_count(0)
    monitor.mouse.move(1, 1)
    post(monitor, "Telvanta loses its head of sales")
    post(monitor, "Medorin wins approval for a new scanner")
    expect(monitor.locator(".tape-row").first).to_contain_text("Medorin wins approval")
    assert monitor.locator(".tape-row", has_text="head of sales").count() == 0


def test_an_alert_grows_with_its_story(monitor: Page) -> None:
    title, body = "Halvern Steel shuts its Duisburg mill", "The furnaces go cold on Monday."
    post(monitor, title, body=body, url="https://browser.example/mill-1")
    alert = monitor.locator("[data-alert]", has_text=title).filter(has_text="Halvern Steel, all")
    expect(alert).to_be_visible()
    post(monitor, f"UPDATE 1-{title}", body=body, url="https://browser.example/mill-2")
    expect(alert.locator("[data-similar]")).to_have_text(re.compile(r"\+1\s+similar"))


def test_a_silenced_company_does_not_ring_until_that_is_ended(
    monitor: Page, suite: RunningServer
) -> None:
    monitor.goto(f"{suite.url}/market/silences/")
    monitor.locator("input[name=company]").fill("HALV")
    monitor.locator("input[name=reason]").fill("annual results")
    monitor.get_by_role("button", name="Keep quiet").click()
    expect(monitor.locator(".rule", has_text="Halvern Steel")).to_contain_text("annual results")
    monitor.goto(f"{suite.url}/market/")
    expect(monitor.locator("[data-connection]")).to_have_text("Live")
    title = "Halvern Steel dividend is halved for the second year"
    post(monitor, title)
    expect(monitor.locator(".tape-row").first.locator(".tape-title")).to_have_text(title)
    assert monitor.locator("[data-alert]", has_text=title).count() == 0
    monitor.goto(f"{suite.url}/market/alerts/?state=silenced")
    expect(monitor.locator("[data-alert]", has_text=title).first).to_be_visible()
    monitor.goto(f"{suite.url}/market/silences/")
    monitor.get_by_role("button", name="End now").click()
    expect(monitor.get_by_text("Nothing is silenced")).to_be_visible()


def test_an_alert_is_assigned_and_resolved_with_a_reason(
    monitor: Page, suite: RunningServer
) -> None:
    monitor.goto(f"{suite.url}/market/alerts/")
    monitor.get_by_role("link", name="Open", exact=True).first.click()
    monitor.get_by_label("Assign to").select_option(label="Ada Winter")
    monitor.get_by_role("button", name="Assign", exact=True).click()
    expect(monitor.locator(".timeline")).to_contain_text("Ada Winter")
    monitor.get_by_label("Comment, or the reason of resolving it").fill("known already")
    monitor.get_by_role("button", name="Resolve").click()
    expect(monitor.locator(".timeline .resolved")).to_contain_text("known already")


PAGES = ("", "alerts/", "rules/", "sources/", "delivery/", "silences/", "companies/{company}/")


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone(monitor: Page, suite: RunningServer, path: str) -> None:
    href = monitor.locator(".moved-tile").first.get_attribute("href") or ""
    monitor.set_viewport_size({"width": 390, "height": 844})
    company = href.rstrip("/").rpartition("/")[2]
    monitor.goto(f"{suite.url}/market/{path.format(company=company)}")
    wide = monitor.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
