"""Two operators and a customer: notes, a hand-over to a colleague, snooze, resolve, reopen.

``TREFOIL_SCREENSHOTS=<folder>`` keeps a picture of each step.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, picture, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]
SLOW = 60_000
NOTE = "Please be quick, she is at the till."


def reply(page: Page, text: str) -> None:
    page.fill("#console-text", text)
    page.press("#console-text", "Enter")


def test_a_conversation_goes_from_one_operator_to_the_other(
    bare: RunningServer, open_page: OpenPage
) -> None:
    bare.start()
    customer = open_page()
    customer.goto(f"{bare.url}/support/widget/")
    customer.fill("#widget-text", "I want to talk to a person")
    customer.press("#widget-text", "Enter")
    expect(customer.locator("[data-status]")).to_contain_text("number 1", timeout=SLOW)
    olivia = sign_in(open_page(), bare, "olivia", "/support/")
    olivia.set_default_timeout(SLOW)
    olivia.locator("[data-rows] a").wait_for()  # signed in by then
    olivia.goto(f"{bare.url}/support/macros/")
    for name, text in (("Taking over", "{operator} here, I take it on."), ("Bye", "Goodbye.")):
        olivia.fill("form.card [name=name]", name)
        olivia.fill("form.card [name=text]", text)
        olivia.get_by_role("button", name="Add").click()
        expect(olivia.locator("details.macro", has_text=name)).to_have_count(1)
    picture(olivia, "desk-0-macros")
    olivia.goto(f"{bare.url}/support/")
    olivia.locator("[data-rows] a").click()
    olivia.locator("#console-text").wait_for()
    where = olivia.url.removeprefix(bare.url).partition("?")[0]
    omar = sign_in(
        open_page(viewport={"width": 390, "height": 844}, color_scheme="dark"),
        bare,
        "omar",
        where,
    )
    omar.set_default_timeout(SLOW)

    reply(olivia, NOTE)
    for page in (olivia, omar):
        expect(page.locator(".message.note")).to_contain_text(NOTE, timeout=SLOW)
    picture(olivia, "desk-1-note")
    picture(omar, "desk-1-note-narrow")

    olivia.locator("[data-log]").click()
    olivia.keyboard.press("t")
    expect(olivia.locator('[data-mode-of="reply"]')).to_have_attribute("aria-pressed", "true")
    expect(omar.locator("[data-hint]")).to_contain_text("Olivia Marsh is handling", timeout=SLOW)
    olivia.locator("#console-text").press_sequentially("Hello, how")
    expect(omar.locator("[data-collision]")).to_have_text("Olivia is typing a reply.")
    picture(omar, "desk-2-collision")
    reply(olivia, "Hello, how can I help?")
    expect(customer.locator(".message.operator[data-seq]")).to_have_count(1, timeout=SLOW)
    expect(customer.locator(".message.note")).to_have_count(0)
    assert NOTE not in customer.content()

    olivia.select_option("[data-priority]", label="Urgent")
    olivia.fill("[data-tags]", "Refund, till")
    olivia.press("[data-tags]", "Enter")
    olivia.goto(f"{bare.url}{where}?tab=mine")
    expect(olivia.locator("[data-rows] .priority")).to_contain_text("Urgent", timeout=SLOW)
    expect(olivia.locator("[data-rows] .chip").first).to_have_text("refund", timeout=SLOW)
    picture(olivia, "desk-3-sorted")
    expect(olivia.locator("[data-assign] option", has_text="Omar")).to_have_text("● Omar Reyes")
    olivia.select_option("[data-assign]", label="● Omar Reyes")
    expect(customer.locator("[data-status]")).to_contain_text("Omar", timeout=SLOW)
    expect(olivia.locator('[data-mode-of="reply"]')).to_be_disabled()
    omar.locator("#console-text").press_sequentially("/taking")
    expect(omar.locator(".macro-option")).to_have_count(1)
    picture(omar, "desk-4-macro")
    omar.press("#console-text", "Enter")
    expect(omar.locator("#console-text")).to_have_value("Omar Reyes here, I take it on.")
    omar.press("#console-text", "Enter")
    expect(customer.locator(".message.operator[data-seq]")).to_have_count(2, timeout=SLOW)

    omar.locator("[data-snooze] summary").click()
    picture(omar, "desk-5-snooze")
    omar.get_by_role("button", name="For an hour").click()
    expect(omar.locator("[data-wake]")).to_be_visible()
    expect(olivia.locator('[data-tab-name="snoozed"] b')).to_have_text("1", timeout=SLOW)
    customer.fill("#widget-text", "thank you, it works")
    customer.press("#widget-text", "Enter")
    expect(omar.locator("[data-wake]")).to_be_hidden(timeout=SLOW)
    omar.get_by_role("button", name="Resolve").click()
    expect(customer.locator("[data-status]")).to_contain_text("resolved", timeout=SLOW)
    customer.fill("#widget-text", "How do I change my PIN?")
    customer.press("#widget-text", "Enter")
    expect(customer.locator(".message.bot .source")).to_have_count(1, timeout=SLOW)
    expect(olivia.locator(".chip[data-state]")).to_contain_text("Bot", timeout=SLOW)
    assert omar.evaluate("document.documentElement.scrollWidth") <= 390
