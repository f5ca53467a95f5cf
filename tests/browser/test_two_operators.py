"""Two operators and a customer: notes, typing, a hand-over to a colleague, snooze, resolve, rating,
reopen; then a list of thousands.

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
NARROW = {"width": 390, "height": 844}
MANY = 3000
CROWD = f"""
from datetime import timedelta; from uuid import uuid4
from django.utils import timezone; from apps.support.models import Conversation
Conversation.objects.bulk_create(
    Conversation(visitor=uuid4(), visitor_name=f"Caller {{number}}", preview="My card is late.",
                 last_seq=1, active_at=timezone.now() - timedelta(hours=1, seconds=number))
    for number in range({MANY}))
"""
MOST_ROWS = 40  # in the page at any time


def reply(page: Page, text: str) -> None:
    page.fill("#console-text", text)
    page.press("#console-text", "Enter")


def test_a_conversation_goes_from_one_operator_to_the_other(
    bare: RunningServer, open_page: OpenPage
) -> None:
    bare.start()
    customer = open_page()
    customer.goto(f"{bare.url}/support/widget/")
    expect(customer.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
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
    omar = sign_in(open_page(viewport=NARROW, color_scheme="dark"), bare, "omar", where)
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
    expect(customer.locator(".message.operator.typing")).to_have_count(1)
    picture(omar, "desk-2-collision")
    reply(olivia, "Hello, how can I help?")
    expect(customer.locator(".message.operator[data-seq]")).to_have_count(1, timeout=SLOW)
    expect(olivia.locator(".message.operator .receipt")).to_have_text("✓ Read", timeout=SLOW)
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
    # What is begun before that is a note to the team, and stays one.
    expect(omar.locator('[data-mode-of="reply"]')).to_have_attribute("aria-pressed", "true")
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
    customer.locator("[data-rating]").get_by_role("button", name="Yes").click()
    expect(customer.locator("[data-rated]")).to_have_text("Thank you.")
    expect(omar.locator("[data-panel]")).to_contain_text("Helped", timeout=SLOW)
    picture(customer, "desk-6-rated")
    customer.fill("#widget-text", "How do I change my PIN?")
    customer.press("#widget-text", "Enter")
    expect(customer.locator(".message.bot .source")).to_have_count(1, timeout=SLOW)
    expect(olivia.locator(".chip[data-state]")).to_contain_text("Bot", timeout=SLOW)
    assert omar.evaluate("document.documentElement.scrollWidth") <= 390
    bare.manage("shell", "-c", CROWD)
    a_list_of_thousands(olivia, bare, customer)


def a_list_of_thousands(olivia: Page, server: RunningServer, customer: Page) -> None:
    """Few rows in the page, all of them within reach, and what is looked at stays where it is."""
    olivia.goto(f"{server.url}/support/?tab=all")
    rows, link = olivia.locator("[data-rows] > li"), olivia.locator("[data-rows] a")
    expect(rows.first).to_have_attribute("aria-setsize", str(MANY + 1))
    expect(olivia.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
    scroller = olivia.locator(".rows-scroll")
    scroller.evaluate("element => { element.scrollTop = element.scrollHeight; }")
    last = olivia.locator("[data-rows] > li", has_text=f"Caller {MANY - 1}")
    expect(last).to_have_attribute("aria-posinset", str(MANY + 1), timeout=SLOW)
    assert rows.count() < MOST_ROWS
    last.locator("a").focus()
    before = last.bounding_box()
    place = int(str(last.get_attribute("aria-posinset")))
    customer.goto(f"{server.url}/support/widget/")
    seq = customer.locator(".message[data-seq]").last.get_attribute("data-seq", timeout=SLOW)
    customer.fill("#widget-text", "thanks")
    customer.press("#widget-text", "Enter")
    later = f".message.bot[data-seq='{int(str(seq)) + 2}']"
    expect(customer.locator(later)).to_be_visible(timeout=SLOW)
    expect(last.locator("a")).to_be_focused()
    assert (last.bounding_box(), last.get_attribute("aria-posinset")) == (before, str(place))
    olivia.keyboard.press("ArrowUp")
    expect(link.filter(has_text=f"Caller {MANY - 2}")).to_be_focused()
    picture(olivia, "desk-7-thousands")
    olivia.keyboard.press("Enter")
    olivia.locator("#console-text").wait_for()
    current = olivia.locator("[data-rows] [aria-current]")
    expect(current).to_contain_text(f"Caller {MANY - 2}", timeout=SLOW)
    expect(current).to_be_in_viewport()
    picture(olivia, "desk-8-opened")
