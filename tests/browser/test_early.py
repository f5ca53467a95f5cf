"""What somebody does before a page's scripts have come is done once they have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, Route, expect

from bench.server import RunningServer
from tests.browser.conftest import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 30_000
CHANNEL = """
from apps.accounts.models import User
from apps.market.models import Channel
owner = User.objects.get(username="anna")
Channel.objects.create(owner=owner, name="Mail", kind="email", address="anna@example.org")
"""


@contextmanager
def script_late(page: Page, name: str) -> Iterator[None]:
    """Within, ``static/js/<name>`` does not come; after it, it does."""
    late: list[Route] = []
    pattern = f"**/js/{name}*"
    page.route(pattern, lambda route: late.append(route))
    yield
    for _ in range(SLOW // 50):
        if late:
            break
        page.wait_for_timeout(50)
    assert late
    for route in late:
        route.continue_()
    page.unroute(pattern)


def test_a_message_is_sent_and_keys_are_taken_as_the_chat_takes_them(
    page: Page, suite: RunningServer
) -> None:
    with script_late(page, "support/widget"):
        page.goto(f"{suite.url}/support/widget/")
        page.keyboard.type("first line")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("second line")
        page.keyboard.press("Enter")
    said = page.locator(".message.visitor[data-seq] .message-text")
    expect(said).to_have_text("first line\nsecond line", timeout=SLOW, use_inner_text=True)
    assert page.locator("#widget-text").input_value() == ""


def test_a_button_is_pressed_once_however_often_it_was(page: Page, suite: RunningServer) -> None:
    page.goto(suite.url)
    page.get_by_role("link", name="Find a book").click()
    link = page.locator(".book a").first
    with script_late(page, "discover/item"):
        link.click()
        like = page.get_by_role("button", name="Like", exact=True)
        like.dblclick()
        expect(like).to_be_visible()
    expect(page.get_by_role("button", name="Liked")).to_be_visible(timeout=SLOW)
    expect(page.locator(".toasts li")).to_have_count(1)


def test_what_asks_first_asks_before_it_is_sent(page: Page, suite: RunningServer) -> None:
    suite.manage("shell", "-c", CHANNEL)
    sign_in(page, suite, "anna", "/market/delivery/")
    channels = page.locator("[data-controller=market-confirm] li")
    expect(channels).to_have_count(1)
    page.on("dialog", lambda dialog: dialog.dismiss())
    with page.expect_event("dialog") as asked, script_late(page, "confirm"):
        page.reload()
        channels.get_by_role("button", name="Delete").click()
    assert asked.value.message == "Delete this channel? What waits for it is not sent."
    expect(channels).to_have_count(1)


def test_what_was_chosen_is_said(page: Page, suite: RunningServer) -> None:
    sign_in(page, suite, "admin", "/support/")
    with script_late(page, "support/upload"):
        page.goto(f"{suite.url}/support/knowledge/import/")
        page.set_input_files(
            "[name=files]", [{"name": "dogs.md", "mimeType": "text/markdown", "buffer": b"# Dogs"}]
        )
    expect(page.locator("[data-chosen]")).to_contain_text("1 file", timeout=SLOW)
