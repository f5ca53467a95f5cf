"""A customer and an operator, each in a browser, with the network lost on either side."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from bench.server import RunningServer
from tests.browser.conftest import LINE_CUT, Complaints, OpenPage, say, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]
SLOW = 20_000


@pytest.fixture
def desk(bare: RunningServer) -> RunningServer:
    bare.start()
    return bare


@pytest.fixture
def operator(open_page: OpenPage, desk: RunningServer) -> Page:
    return sign_in(open_page(), desk, "olivia", "/support/")


def texts(page: Page) -> list[str]:
    """The messages in the order in which the page shows them, and that order is the right one."""
    numbers = page.locator(".message[data-seq]").evaluate_all(
        "items => items.map(item => Number(item.dataset.seq))"
    )
    assert numbers == sorted(set(numbers))
    return page.locator(".message[data-seq]:not(.system) .message-text").all_inner_texts()


def select(page: Page, words: str) -> None:
    """Select words of the customer's first message, as the mouse would."""
    page.locator(".message.visitor .message-text").first.evaluate(
        """(element, words) => {
            const text = element.firstChild;
            const from = text.data.indexOf(words);
            const range = new Range();
            range.setStart(text, from);
            range.setEnd(text, from + words.length);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }""",
        words,
    )
    expect(page.locator("[data-marking]")).to_be_visible()


def test_a_conversation_from_the_bot_to_a_person_and_back(
    page: Page, operator: Page, desk: RunningServer, complaints: Complaints
) -> None:
    complaints.allow(LINE_CUT)
    page.goto(f"{desk.url}/support/widget/")
    say(page, "How do I change my PIN?")
    expect(page.locator(".message.bot .source")).to_have_count(1, timeout=SLOW)
    page.click("[data-person]")
    expect(page.locator("[data-status]")).to_contain_text("you are number 1", timeout=SLOW)
    row = operator.locator("[data-rows] a.unread")
    expect(row).to_have_count(1, timeout=SLOW)
    expect(operator.locator('[data-tab-name="waiting"] b')).to_have_text("1", timeout=SLOW)
    row.click()
    expect(operator.locator("[data-panel]")).to_contain_text("change pin", timeout=SLOW)
    select(operator, "PIN")
    operator.keyboard.press("2")
    expect(operator.locator("#entities")).to_contain_text("PIN · organisation", timeout=SLOW)
    operator.keyboard.press("u")
    expect(operator.locator("#tone")).to_contain_text("as you said", timeout=SLOW)
    operator.keyboard.press("t")
    expect(page.locator("[data-status]")).to_contain_text("Olivia", timeout=SLOW)
    operator.locator("#console-text").press_sequentially("Hello")
    expect(page.locator(".message.operator.typing")).to_have_count(1)
    operator.keyboard.press("Enter")
    expect(page.locator(".message.operator[data-seq]")).to_have_count(1, timeout=SLOW)

    page.context.set_offline(True)
    expect(page.locator("[data-connection]").first).to_contain_text("Offline", timeout=SLOW)
    expect(page.locator("[data-lost]")).to_be_visible()
    say(page, "written without a network")
    expect(page.locator(".message.waiting")).to_have_count(1)
    operator.fill("#console-text", "sent while the customer was away")
    operator.keyboard.press("Enter")
    page.context.set_offline(False)
    expect(page.locator(".toasts")).to_contain_text("Caught up", timeout=SLOW)
    expect(page.locator(".message.waiting")).to_have_count(0, timeout=SLOW)
    expect(operator.locator(".message.visitor[data-seq]")).to_have_count(2, timeout=SLOW)
    expect(page.locator(".message.operator[data-seq]")).to_have_count(2, timeout=SLOW)
    assert texts(page) == texts(operator)

    operator.locator("[data-log]").click()
    operator.keyboard.press("e")
    expect(page.locator("[data-status]")).to_contain_text("resolved", timeout=SLOW)
    operator.context.set_offline(True)
    expect(operator.locator("[data-lost]")).to_be_visible(timeout=SLOW)
    say(page, "one more thing: where can I see my statements?")
    expect(page.locator(".message.bot[data-seq]")).to_have_count(2, timeout=SLOW)
    operator.context.set_offline(False)
    expect(operator.locator(".message.bot[data-seq]")).to_have_count(2, timeout=SLOW)
    expect(operator.locator(".toasts")).to_contain_text("Caught up", timeout=SLOW)
    assert texts(page) == texts(operator)


def test_a_message_not_yet_sent_outlives_a_reload(page: Page, suite: RunningServer) -> None:
    page.goto(f"{suite.url}/support/widget/")
    expect(page.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
    page.evaluate(
        """sessionStorage.setItem("trefoil.support.unsent", JSON.stringify(
             [{id: "kept", text: "How do I change my PIN?", chosen: null}]))"""
    )
    for _ in range(2):
        page.reload()
        expect(page.locator(".message.visitor[data-seq]")).to_have_count(1, timeout=SLOW)
        expect(page.locator(".message.bot[data-seq]")).to_have_count(1, timeout=SLOW)


def test_the_widget_is_usable_by_keyboard_alone(page: Page, suite: RunningServer) -> None:
    page.goto(f"{suite.url}/support/widget/")
    log = page.locator("[data-log]")
    assert (log.get_attribute("role"), log.get_attribute("aria-live")) == ("log", "polite")
    expect(page.locator("#widget-text")).to_be_focused()
    page.keyboard.type("first line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(page.locator(".message.visitor[data-seq]")).to_contain_text("second", timeout=SLOW)
    expect(page.locator("#widget-text")).to_be_focused()
    assert page.locator("#widget-text").input_value() == ""
