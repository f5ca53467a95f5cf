"""The chat in a page of another site, which vouches for who is signed in there.

``TREFOIL_SCREENSHOTS=<folder>`` keeps a picture of each step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from apps.support.identity import identity_sign
from bench.server import RunningServer
from tests.browser.conftest import Complaints, OpenPage, picture, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]
SLOW = 20_000
ACCENT = "#7a1f5c"


class SamePage(BaseHTTPRequestHandler):
    """Answers every request with the site's page under the site's own policy."""

    server: Site

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(self.server.html.encode())

    def log_message(self, *_: Any) -> None:
        """A test tells nothing of what it asks for."""


class Site(ThreadingHTTPServer):
    """A site of one page, on a port of its own; ``policy`` is what docs/customers.md advises."""

    html = ""

    def __init__(self, chat: str) -> None:
        super().__init__(("127.0.0.1", 0), SamePage)
        # Another origin than the chat's. The cookie goes by the host, for which there is no HTTPS.
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.policy = f"default-src 'none'; script-src {chat}; frame-src {chat}"


@contextmanager
def served(chat: str) -> Iterator[Site]:
    with Site(chat) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            site.shutdown()
            thread.join()


def embed(page: Page, server: RunningServer, site: Site, identity: str = "") -> FrameLocator:
    """Open the site's page, whose script tag carries ``identity``, and the chat on it."""
    looks = f'data-title="Shop help" data-accent="{ACCENT}" data-label="Ask us"'
    source = f"{server.url}/static/js/support/embed.js"
    tag = f'<script src="{source}" data-identity="{identity}" {looks} defer></script>'
    site.html = f"<!doctype html><title>Shop</title><h1>Shop</h1>{tag}"
    page.goto(site.url)
    return opened(page)


def opened(page: Page) -> FrameLocator:
    page.get_by_role("button", name="Ask us").click()
    return page.frame_locator("iframe[title=Chat]")


def say(chat: FrameLocator, text: str) -> None:
    chat.get_by_label("Your message").fill(text)
    chat.get_by_role("button", name="Send").click()
    expect(chat.locator(".message.visitor[data-seq]", has_text=text)).to_be_visible(timeout=SLOW)


def test_a_site_vouches_for_its_customers_and_nobody_else_becomes_one(
    suite: RunningServer, open_page: OpenPage, complaints: Complaints
) -> None:
    complaints.allow("status of 403", "frame-ancestors", "ERR_BLOCKED_BY_RESPONSE", "favicon")
    with served(suite.url) as shop:
        story(open_page, suite, shop)


def story(open_page: OpenPage, server: RunningServer, shop: Site) -> None:
    admin = sign_in(open_page(), server, "admin", "/support/customers/")
    secret = str(admin.locator(".signing .secret").text_content()).strip()

    def signed(who: str, name: str, key: str = secret) -> str:
        return identity_sign({"id": who, "name": name, "at": time.time()}, secret=key)

    vera = signed("c-17", "Vera Lindqvist")
    phone = open_page(viewport={"width": 390, "height": 844})
    chat = embed(phone, server, shop, vera)
    say(chat, "Is the blue kettle back?")
    assert "identity" not in phone.frames[1].url  # what vouches for her stays in no address
    expect(chat.get_by_role("heading", level=1)).to_have_text("Shop help")
    expect(chat.locator(".message.mine").first).to_have_css("background-color", "rgb(122, 31, 92)")
    expect(chat.locator("[data-unverified]")).to_be_hidden()
    picture(phone, "embedded-1-narrow")

    admin.goto(f"{server.url}/support/?tab=all")
    admin.locator("[data-rows] a", has_text="Vera Lindqvist").click()
    expect(admin.locator("[data-panel]")).to_contain_text("c-17 verified", timeout=SLOW)
    picture(admin, "embedded-2-verified")

    laptop = open_page()
    chat = embed(laptop, server, shop, signed("c-17", "Vera Lindqvist", key="guessed"))
    expect(chat.locator("[data-unverified]")).to_contain_text("not be confirmed", timeout=SLOW)
    expect(chat.locator("[data-starters]")).to_be_visible(timeout=SLOW)
    expect(chat.locator(".message")).to_have_count(0)
    picture(laptop, "embedded-3-forged")
    chat = embed(laptop, server, shop, vera)  # her other device
    expect(chat.locator(".message.visitor")).to_contain_text("blue kettle", timeout=SLOW)
    chat = embed(laptop, server, shop, signed("c-18", "Omar Haddad"))  # who signs in on it then
    expect(chat.locator("[data-starters]")).to_be_visible(timeout=SLOW)
    expect(chat.locator(".message")).to_have_count(0)

    laptop.goto(shop.url.replace("127.0.0.1", "localhost"))  # a site that is not listed
    with laptop.expect_console_message(lambda line: "frame-ancestors" in line.text):
        opened(laptop)
