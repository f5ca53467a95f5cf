"""The server is killed between a customer's message and the answer: nothing lost, nothing twice."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import LINE_CUT, Complaints

pytestmark = [pytest.mark.browser, pytest.mark.models]


def test_a_kill_between_message_and_answer_loses_and_doubles_nothing(
    page: Page, bare: RunningServer, complaints: Complaints
) -> None:
    complaints.allow(LINE_CUT)
    bare.start(TREFOIL_ANSWER_DELAY="60")
    page.goto(f"{bare.url}/support/widget/")
    expect(page.locator("[data-connection]").last).to_have_text("Live", timeout=15_000)
    page.fill("#widget-text", "How do I change my PIN?")
    page.keyboard.press("Enter")
    expect(page.locator(".message.visitor[data-seq]")).to_have_count(1, timeout=15_000)
    expect(page.locator(".message.bot:not(.typing)")).to_have_count(0)
    bare.kill()
    expect(page.locator("[data-connection]").last).to_contain_text("Offline", timeout=15_000)
    page.fill("#widget-text", "thanks")
    page.keyboard.press("Enter")
    expect(page.locator(".message.waiting")).to_have_count(1)
    bare.start()
    expect(page.locator(".message.bot:not(.typing)")).to_have_count(2, timeout=60_000)
    expect(page.locator(".message.waiting")).to_have_count(0)
    expect(page.locator(".message.visitor")).to_have_count(2)
    order = page.locator(".message:not(.typing)").evaluate_all(
        "items => items.map(item => Number(item.dataset.seq))"
    )
    assert order == sorted(set(order))
    page.reload()
    expect(page.locator(".message.visitor")).to_have_count(2, timeout=15_000)
    expect(page.locator(".message.bot:not(.typing)")).to_have_count(2)
    expect(page.locator(".message.bot").first).to_contain_text("PIN")
