"""Two operators and a lead: a private team, a conversation passed on to it, presence, resolve.

``TREFOIL_SCREENSHOTS=<folder>`` keeps a picture of each step.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, picture, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]
SLOW = 60_000
NARROW = {"width": 390, "height": 844}


def a_private_team(lena: Page, member: str) -> None:
    form = lena.locator("form.card").first
    form.locator("[name=name]").fill("Fraud")
    form.locator("[name=private]").check()
    form.get_by_label(member).check()
    form.get_by_role("button", name="Add").click()
    expect(lena.locator("details.team")).to_contain_text("private", timeout=SLOW)


def test_a_conversation_goes_to_a_private_team(bare: RunningServer, open_page: OpenPage) -> None:
    bare.start()
    customer = open_page()
    customer.goto(f"{bare.url}/support/widget/")
    expect(customer.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
    customer.fill("#widget-text", "I want to talk to a person")
    customer.press("#widget-text", "Enter")
    expect(customer.locator("[data-status]")).to_contain_text("number 1", timeout=SLOW)
    lena = sign_in(open_page(viewport=NARROW, color_scheme="dark"), bare, "lena", "/support/teams/")
    a_private_team(lena, "Omar Reyes")
    picture(lena, "teams-0-narrow-dark")
    lena.goto(f"{bare.url}/support/hours/")
    lena.locator("form.policy [name=name]").fill("Everybody")
    lena.locator("form.policy [name=first_minutes]").fill("15")
    lena.get_by_role("button", name="Add").click()
    expect(lena.locator("form.policy")).to_have_count(2, timeout=SLOW)
    picture(lena, "teams-0-hours-narrow-dark")
    omar = sign_in(open_page(color_scheme="dark"), bare, "omar", "/support/?tab=waiting")
    olivia = sign_in(open_page(), bare, "olivia", "/support/?tab=waiting")
    for page in (olivia, omar):
        page.set_default_timeout(SLOW)
        expect(page.locator("[data-rows] a")).to_have_count(1, timeout=SLOW)
    expect(olivia.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
    olivia.locator("[data-rows] a").click()
    olivia.locator("#console-text").wait_for()
    where = olivia.url.removeprefix(bare.url).partition("?")[0]
    expect(olivia.locator("[data-transfer-to] [data-person-id]", has_text="Omar")).to_have_text(
        "● Omar Reyes", timeout=SLOW
    )
    expect(olivia.locator("[data-rows] .due")).to_contain_text("First answer in", timeout=SLOW)
    olivia.locator("[data-choose]").check()
    expect(olivia.locator("[data-bulk-count]")).to_have_text("1 chosen")
    picture(olivia, "teams-1-chosen")
    olivia.locator("[data-choose]").uncheck()
    olivia.locator("[data-log]").click()
    olivia.keyboard.press("t")
    expect(customer.locator("[data-status]")).to_contain_text("Olivia", timeout=SLOW)
    customer.fill("#widget-text", "How do I change my PIN?")
    customer.press("#widget-text", "Enter")
    suggestion = olivia.locator("li.suggestion").first
    expect(suggestion).to_contain_text("PIN", timeout=SLOW)
    olivia.fill("#console-text", "Hello!")
    olivia.locator("[data-log]").click()
    olivia.keyboard.press("i")
    draft = olivia.locator("#console-text").input_value()
    assert draft.startswith("Hello!\n\n")
    assert draft.endswith(str(suggestion.locator("[data-text]").text_content()))
    picture(olivia, "teams-1-suggested")
    expect(customer.locator(".message.operator[data-seq]")).to_have_count(0)
    olivia.locator("[data-log]").click()
    olivia.keyboard.press("p")
    olivia.select_option("[data-transfer-to]", label="Fraud (private)")
    olivia.fill("[data-transfer-note]", "Her card was used abroad.")
    picture(olivia, "teams-1-pass-on")
    olivia.locator("[data-transfer]").get_by_role("button", name="Pass on").click()
    expect(olivia.locator(".toasts")).to_contain_text("another team", timeout=SLOW)
    expect(olivia.locator("[data-rows] a")).to_have_count(0, timeout=SLOW)
    picture(olivia, "teams-2-gone")
    answer = olivia.request.get(f"{bare.url}{where}")
    assert answer.status == 404

    expect(omar.locator("[data-rows] .chip", has_text="Fraud")).to_have_count(1, timeout=SLOW)
    omar.locator("[data-rows] a").click()
    expect(omar.locator(".message.note")).to_contain_text("used abroad", timeout=SLOW)
    omar.keyboard.press("t")
    expect(customer.locator("[data-status]")).to_contain_text("Omar", timeout=SLOW)
    picture(omar, "teams-3-taken-dark")
    omar.fill("#console-text", "I have blocked it.")
    omar.press("#console-text", "Enter")
    expect(customer.locator(".message.operator[data-seq]")).to_have_count(1, timeout=SLOW)
    assert "Fraud" not in customer.content()

    olivia.locator("[data-presence]:visible").first.click()
    expect(olivia.locator("[data-presence]:visible").first).to_contain_text("Away", timeout=SLOW)
    people = omar.request.get(f"{bare.url}/api/v1/support/presence/").json()
    assert {one["name"]: one["presence"] for one in people}["Olivia Marsh"] == "away"
    omar.locator("[data-log]").click()
    omar.keyboard.press("e")
    expect(customer.locator("[data-status]")).to_contain_text("resolved", timeout=SLOW)
    assert lena.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
