"""A flow in the widget, and the screens of flows as a team lead sees them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, say

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 20_000


def heard(page: Page, text: str) -> None:
    expect(page.locator(".message.bot").last).to_contain_text(text, timeout=SLOW)


def test_a_card_is_blocked_in_the_widget(page: Page, suite: RunningServer) -> None:
    page.goto(f"{suite.url}/support/widget/")
    expect(page.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    say(page, "I have lost my card, please block it")
    expect(page.locator(".message.bot .source")).to_be_visible(timeout=SLOW)
    page.get_by_role("button", name="Block a card").click()
    heard(page, "last four digits")
    say(page, "4242 4242 4242 4242")
    expect(page.locator(".message.visitor").last).to_contain_text("[card]", timeout=SLOW)
    heard(page, "What has happened")
    page.reload()
    heard(page, "What has happened")
    say(page, "how do I change my PIN?")
    heard(page, "Back to “Block a card”")
    page.get_by_role("button", name="I have lost it").click()
    heard(page, "ending 4242 now?")
    page.get_by_role("button", name="Yes", exact=True).click()
    heard(page, "is blocked (reference C-")
    expect(page.locator(".message.bot .choices")).to_have_count(0)


@pytest.fixture
def lead(open_page: OpenPage, suite: RunningServer) -> Page:
    page = open_page()
    page.goto(f"{suite.url}/accounts/sign-in/?next=/support/flows/")
    page.locator('form[action*="/lena/"] button').click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Flows")
    return page


def test_a_lead_reads_and_tries_a_flow(lead: Page) -> None:
    lead.get_by_role("link", name="Look up a refund").click()
    expect(lead.locator("#step-coming")).to_contain_text("It is on its way")
    lead.get_by_label("The customer begins").fill("refund status")
    lead.get_by_role("button", name="Send").click()
    lead.get_by_label("The customer replies").fill("LK-1042")
    lead.get_by_role("button", name="Send").click()
    expect(lead.locator(".flow-said .bot").last).to_contain_text("£84.20")
    expect(lead.get_by_text("The flow is over.")).to_be_visible()


def test_a_lead_is_told_the_line_of_a_mistake_and_mends_it(lead: Page, complaints: object) -> None:
    complaints.allow(r"status of 422")  # type: ignore[attr-defined]
    lead.get_by_role("link", name="Book a call").click()
    lead.get_by_role("link", name="Edit").click()
    text = lead.get_by_label("The flow, in YAML")
    source = text.input_value()
    text.fill(source.replace("yes: store", "yes: stroe"))
    lead.get_by_role("button", name="Save as a draft").click()
    expect(lead.get_by_role("alert")).to_contain_text("there is no step 'stroe'")
    text.fill(source.replace("Until then!", "We look forward to it."))
    lead.get_by_role("button", name="Save as a draft").click()
    lead.get_by_role("button", name="Test version 2").click()
    lead.get_by_role("button", name="Publish version 2").click()
    expect(lead.locator(".version-rows a[aria-current]")).to_contain_text("Published")
    expect(lead.locator(".version-rows li").last).to_contain_text("Retired")
