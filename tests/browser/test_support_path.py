"""The first visit to Support: from a customer's question to a person's answer, as people do it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, enter, say

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 20_000
AMBIGUOUS = "my card payment"


@pytest.fixture
def customer(page: Page, suite: RunningServer) -> Page:
    page.goto(suite.url)
    page.get_by_role("link", name="Ask as a customer").click()
    expect(page.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    return page


def test_a_question_is_answered_with_an_article_that_opens(customer: Page) -> None:
    customer.get_by_role("button", name="How do I change my PIN?").click()
    source = customer.locator(".message.bot .source")
    expect(source).to_be_visible(timeout=SLOW)
    expect(customer.locator(".message.bot .chip").first).to_have_text("Assistant")
    title = source.inner_text()
    with customer.expect_popup() as opened:
        source.click()
    article = opened.value
    expect(article.get_by_role("heading", level=1)).to_have_text(title)
    expect(article.get_by_role("link", name="Help centre")).to_be_visible()


def test_an_ambiguous_message_is_asked_back_and_a_choice_answers_it(customer: Page) -> None:
    say(customer, AMBIGUOUS)
    choices = customer.locator(".message.bot .choices button")
    expect(choices).to_have_count(2, timeout=SLOW)
    chosen = choices.first.inner_text()
    choices.first.click()
    expect(customer.locator(".message.visitor").last).to_contain_text(chosen)
    expect(customer.locator(".message.bot .source").last).to_have_text(chosen, timeout=SLOW)
    expect(choices).to_have_count(0)


def test_a_person_takes_over_answers_and_resolves(
    customer: Page, open_page: OpenPage, suite: RunningServer
) -> None:
    operator = enter(open_page(), suite, "Open the console", "/support/")
    expect(operator.locator("[data-rows] li").first).to_be_visible()
    waiting = operator.locator('[data-tab-name="waiting"] b')
    expect(operator.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    say(customer, "My statement for Wrenfield Street is missing")
    expect(customer.locator(".message.bot[data-seq]")).to_have_count(1, timeout=SLOW)
    customer.get_by_role("button", name="Talk to a person").click()
    status = customer.locator("[data-status]")
    expect(status).to_contain_text("you are number", timeout=SLOW)
    (place,) = re.findall(r"number (\d+)", status.inner_text())
    expect(waiting).to_have_text(place, timeout=SLOW)
    row = operator.locator("[data-rows] a", has_text="Wrenfield Street")
    expect(row).to_have_class(re.compile("unread"))
    row.click()
    expect(operator.locator("[data-panel] h3").first).to_have_text("Customer", timeout=SLOW)
    operator.get_by_role("button", name="Take over").click()
    expect(customer.locator("[data-status]")).to_contain_text("Olivia", timeout=SLOW)
    operator.get_by_label("Reply").fill("I have sent it to your inbox.")
    operator.get_by_role("button", name="Send").click()
    said = customer.locator(".message.operator[data-seq]")
    expect(said).to_contain_text("I have sent it to your inbox.", timeout=SLOW)
    expect(said).to_contain_text("Olivia")
    operator.get_by_role("button", name="Resolve").click()
    expect(customer.locator("[data-status]")).to_contain_text("resolved", timeout=SLOW)
    expect(operator.locator(".thread-title [data-state]")).to_contain_text("Resolved")
    customer.reload()
    expect(customer.locator(".message.operator")).to_have_count(1, timeout=SLOW)


def test_the_console_lists_its_keys_and_obeys_them(
    open_page: OpenPage, suite: RunningServer
) -> None:
    operator = enter(open_page(), suite, "Open the console", "/support/")
    expect(operator.locator("[data-rows] li").first).to_be_visible()
    operator.keyboard.press("?")
    keys = operator.get_by_role("dialog", name="Keyboard shortcuts")
    expect(keys).to_be_visible()
    operator.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    operator.keyboard.press("6")
    expect(operator.locator('[data-tab-name="all"]')).to_have_attribute("aria-current", "page")
    # Another page: its keys are listened to by the time that its script has filled the list.
    expect(operator.locator("[data-rows] a").first).to_be_visible()
    operator.keyboard.press("j")
    expect(operator.locator("[data-name]")).not_to_be_empty(timeout=15_000)
    panel = operator.locator(".console-panel")
    expect(panel).to_be_visible()
    operator.keyboard.press("d")
    expect(panel).to_be_hidden()
