"""The chat in a page of another site, which vouches for who is signed in there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from apps.support.identity import identity_sign
from bench.server import RunningServer
from tests.browser.conftest import SHOP, Complaints, OpenPage, picture, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]
SLOW = 20_000
STRANGE = "http://127.0.0.1:4998"
ACCENT = "#7a1f5c"
DAY = 24 * 3600


def secret_of(page: Page, server: RunningServer) -> str:
    """As an administrator finds it."""
    sign_in(page, server, "admin", "/support/customers/")
    return str(page.locator(".signing .secret").first.text_content()).strip()


def embed(page: Page, server: RunningServer, identity: str = "", site: str = SHOP) -> FrameLocator:
    """Open the site's page, whose script tag carries ``identity``, and the chat on it."""
    looks = f'data-title="Shop help" data-accent="{ACCENT}" data-label="Ask us"'
    source = f"{server.url}/static/js/support/embed.js"
    tag = f'<script src="{source}" data-identity="{identity}" {looks}>'
    html = f"<!doctype html><title>Shop</title><h1>Shop</h1>{tag}</script>"
    page.route(f"{site}/**", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{site}/basket")
    page.get_by_role("button", name="Ask us").click()
    return page.frame_locator("iframe[title=Chat]")


def say(chat: FrameLocator, text: str) -> None:
    chat.get_by_label("Your message").fill(text)
    chat.get_by_role("button", name="Send").click()
    expect(chat.locator(".message.visitor[data-seq]", has_text=text)).to_be_visible(timeout=SLOW)


def test_a_site_vouches_for_its_customers_and_nobody_else_becomes_one(
    open_page: OpenPage, suite: RunningServer, complaints: Complaints
) -> None:
    complaints.allow("status of 403", "frame-ancestors", "ERR_BLOCKED_BY_RESPONSE")
    admin = open_page()
    secret = secret_of(admin, suite)

    def signed(who: str, name: str, ago: float = 0, key: str = secret) -> str:
        statement: dict[str, Any] = {"id": who, "name": name, "at": time.time() - ago}
        return identity_sign(statement, secret=key)

    vera = signed("c-17", "Vera Lindqvist")
    phone = open_page(viewport={"width": 390, "height": 844})
    chat = embed(phone, suite, vera)
    say(chat, "Is the blue kettle back?")
    assert "identity" not in phone.frames[1].url  # what vouches for her stays in no address
    expect(chat.get_by_role("heading", level=1)).to_have_text("Shop help")
    expect(chat.locator(".message.mine").first).to_have_css("background-color", "rgb(122, 31, 92)")
    picture(phone, "embedded-narrow")
    laptop = open_page()
    chat = embed(laptop, suite, vera)
    expect(chat.locator(".message.visitor")).to_contain_text("blue kettle", timeout=SLOW)

    body, _, mac = signed("c-18", "Omar Haddad").rpartition(".")
    for wrong in (
        signed("c-17", "Vera Lindqvist", key="guessed"),
        signed("c-17", "Vera Lindqvist", ago=DAY + 60),
        f"{vera.rpartition('.')[0]}.{mac}",
        "",
    ):
        chat = embed(open_page(), suite, wrong)
        expect(chat.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
        expect(chat.locator("[data-starters]")).to_be_visible()
        expect(chat.locator(".message")).to_have_count(0)
    chat = embed(laptop, suite, f"{body}.{mac}")  # another customer signs in on her device
    expect(chat.locator("[data-starters]")).to_be_visible(timeout=SLOW)
    say(chat, "Do you sell lamps?")
    expect(chat.locator(".message.visitor")).to_have_count(1)
    chat = embed(phone, suite, vera)
    expect(chat.locator(".message.visitor")).to_have_count(1, timeout=SLOW)

    admin.goto(f"{suite.url}/support/customers/?q=Lindqvist")
    expect(admin.locator(".article-row-main a")).to_have_count(1)
    expect(admin.locator(".article-row-main a")).to_have_text("Vera Lindqvist")
    refused = open_page()
    with refused.expect_console_message(lambda line: "frame-ancestors" in line.text):
        embed(refused, suite, vera, site=STRANGE)
