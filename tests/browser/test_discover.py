"""A reader without an account: the open page answers to each deed and remembers it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, Page, expect

from bench.server import RunningServer
from tests.browser.conftest import picture

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 20_000
# From the next click until rows on the page are other rows, by the page's own clock.
WATCH = """() => {
    window.clicked = window.changed = null;
    addEventListener("click", () => (window.clicked ??= performance.now()), {capture: true});
    const seen = new MutationObserver(() => (window.changed ??= performance.now()));
    seen.observe(document.querySelector("[data-part=feed]"), {childList: true, subtree: true});
}"""
MEASURE = "() => (window.changed === null ? null : window.changed - window.clicked)"

Record = Callable[[str, object], None]


@pytest.fixture
def reader(page: Page, suite: RunningServer) -> Page:
    page.goto(suite.url)
    page.get_by_role("link", name="Find a book").click()
    expect(page.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    return page


def title_of(book: Locator) -> str:
    return book.locator("h3").inner_text()


def shelf(page: Page, title: str) -> Locator:
    return page.locator("[data-section]", has=page.get_by_role("heading", name=title, level=2))


def test_the_first_visit_shows_rows_of_books(reader: Page) -> None:
    expect(reader.get_by_role("heading", name="What would you like to read?")).to_be_visible()
    assert reader.locator("[data-section]").count() >= 2
    assert reader.locator(".book").count() >= 12


def test_a_deed_changes_the_open_page_and_says_why(reader: Page, record_property: Record) -> None:
    book = reader.locator("[data-section] .book").nth(1)
    saved = title_of(book)
    reader.evaluate(WATCH)
    book.get_by_role("button", name="Save").click()
    because = shelf(reader, f"Because you saved {saved}")
    expect(because.locator(".book").first).to_be_visible(timeout=SLOW)
    record_property("save_to_page_ms", reader.evaluate(MEASURE))
    expect(reader.locator('[data-part="news"]')).to_have_text(f"Updated because you saved {saved}")
    reason = shelf(reader, "For you").locator(".book-reason").first
    expect(reason).to_have_text(f"Because you saved {saved}")
    reader.reload()
    expect(because).to_be_visible()
    expect(reader.locator('[data-part="wish-panel"]')).not_to_have_class("wish is-cold")


def test_a_dismissed_book_leaves_the_page_and_stays_away(
    reader: Page, record_property: Record
) -> None:
    book = reader.locator("[data-section] .book").first
    item, title = book.get_attribute("data-item"), title_of(book)
    reader.evaluate(WATCH)
    book.locator("summary").click()
    book.get_by_role("button", name="this book").click()
    gone = reader.locator(f'[data-section] [data-item="{item}"]')
    expect(gone).to_have_count(0, timeout=SLOW)
    record_property("dismiss_to_page_ms", reader.evaluate(MEASURE))
    expect(reader.locator('[data-part="news"]')).to_have_text(f"Less like {title}")
    expect(reader.locator(".toasts li").last).to_contain_text(f"Less like {title}: ", timeout=SLOW)
    reader.reload()
    expect(reader.locator("[data-section]").first).to_be_visible()
    expect(gone).to_have_count(0)
    reader.get_by_role("link", name="Saved and profile").click()
    entry = reader.locator(".history li", has_text=title)
    expect(entry).to_contain_text("dismissed")
    entry.get_by_role("button", name="Remove").click()
    expect(entry).to_have_count(0, timeout=SLOW)


def test_a_sentence_finds_books_and_its_clicks_count(reader: Page) -> None:
    reader.get_by_label("Search the catalogue").fill("a captain hunted by the sea")
    reader.keyboard.press("Enter")
    results = reader.locator(".result")
    expect(results.first).to_be_visible()
    assert results.filter(has_text="sea").count() >= 3
    title = results.first.locator("h2").inner_text()
    results.first.get_by_role("link", name=title).click()
    expect(reader.get_by_role("heading", level=1)).to_have_text(title)
    reader.get_by_role("button", name="Not interested", exact=True).click()
    reader.get_by_role("button", name="Undo").click()
    expect(reader.get_by_role("heading", level=1)).to_be_visible()
    like = reader.locator(".shelf .book").first
    like.locator("summary").click()
    like.get_by_role("button", name="this book").click()
    expect(like).to_be_hidden()
    reader.get_by_role("button", name="Undo").last.click()
    expect(like).to_be_visible()
    reader.get_by_role("button", name="Like", exact=True).click()
    expect(reader.get_by_role("button", name="Liked")).to_be_visible()
    # The button turns at once; the notice says that the like is stored.
    expect(reader.locator(".toasts")).to_contain_text(f"Liked {title}")
    reader.get_by_role("link", name="For you").click()
    expect(shelf(reader, f"Because you liked {title}")).to_be_visible(timeout=SLOW)


def test_a_wish_is_read_back_and_can_be_cleared(reader: Page) -> None:
    reader.get_by_label("Your sentence").fill("quiet science fiction, no war")
    reader.get_by_role("button", name="Show me").click()
    read = reader.locator('[data-part="wish-read"]')
    expect(read.locator('[data-part="wanted"]')).to_contain_text("science fiction", timeout=SLOW)
    expect(read.locator('[data-part="unwanted"]')).to_contain_text("war")
    expect(shelf(reader, "For you").locator(".book").first).to_be_visible()
    read.get_by_role("button", name="Clear").click()
    expect(read).to_be_hidden(timeout=SLOW)


def test_three_liked_books_begin_a_page_and_another_tab_offers_what_is_new(
    reader: Page,
) -> None:
    starters = reader.locator(".starter-grid .starter")
    other = reader.context.new_page()
    other.goto(reader.url)
    expect(other.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    reader.get_by_label("Find a book that you know").fill("dracula")
    expect(starters.first).to_have_attribute("data-title", "Dracula", timeout=SLOW)
    starters.first.click()
    reader.get_by_label("Find a book that you know").fill("")
    expect(starters).to_have_count(12)
    for place in (2, 7):
        starters.nth(place).click()
    expect(shelf(reader, "For you").locator(".book-reason").first).to_contain_text(
        "Because you liked", timeout=SLOW
    )
    expect(reader.locator('[data-part="starters"]')).to_be_hidden()
    # The other tab stands still until it is told to.
    before = other.locator(".book").evaluate_all("cards => cards.map(card => card.dataset.item)")
    offer = other.locator('[data-part="fresh-show"]')
    expect(offer).to_contain_text("new for you", timeout=SLOW)
    assert before == other.locator(".book").evaluate_all(
        "cards => cards.map(card => card.dataset.item)"
    )
    picture(other, "discover-5-offer")
    offer.click()
    expect(shelf(other, "For you")).to_be_visible(timeout=SLOW)
    expect(offer).to_be_hidden()
    # Keys: the second book is saved and stands so in both tabs, then it is taken back.
    other.bring_to_front()
    other.keyboard.press("j")
    other.keyboard.press("j")
    book = other.locator(".book:focus-within")
    item = book.get_attribute("data-item")
    other.keyboard.press("s")
    saved = reader.locator(f'[data-item="{item}"] [data-act="save"]').first
    expect(saved).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    expect(other.locator(".toasts li").last).to_contain_text("Saved")
    other.keyboard.press("u")
    expect(saved).to_have_attribute("aria-pressed", "false", timeout=SLOW)
    other.keyboard.press("?")
    expect(other.get_by_role("dialog")).to_be_visible()
    other.keyboard.press("Escape")
    # The profile follows, says where an interest comes from, and pauses.
    other.get_by_role("link", name="Saved and profile").click()
    learned = other.locator(".learned").first
    learned.locator("summary").click()
    title = learned.locator(".learned-from a").first.inner_text()
    learned.get_by_role("button", name="Forget", exact=False).first.click()
    expect(other.locator(".history li", has_text=title)).to_have_count(0, timeout=SLOW)
    other.get_by_role("switch").click()
    expect(other.get_by_role("heading", name="Learning is paused")).to_be_visible(timeout=SLOW)
    expect(reader.locator('[data-part="paused"]')).to_be_visible(timeout=SLOW)
    picture(other, "discover-6-paused")


def test_stars_are_given_changed_and_taken_back_in_each_tab(reader: Page) -> None:
    url = urljoin(reader.url, str(reader.locator(".book a").first.get_attribute("href")))
    tabs = [reader, reader.context.new_page()]
    for tab in tabs:
        tab.goto(url)
        expect(tab.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    one, other = tabs
    stars = one.get_by_role("group", name="Your rating")
    stars.get_by_text("★").nth(3).click()
    there = other.get_by_role("group", name="Your rating")
    expect(there.get_by_role("radio", name="4 stars of five")).to_be_checked(timeout=SLOW)
    expect(one.get_by_role("button", name="Take back")).to_be_visible()
    picture(one, "discover-7-stars")
    stars.get_by_role("radio", name="4 stars of five").press("ArrowLeft")
    expect(there.get_by_role("radio", name="3 stars of five")).to_be_checked(timeout=SLOW)
    other.get_by_role("button", name="Take back").click()
    expect(one.get_by_role("radio", checked=True)).to_have_count(0, timeout=SLOW)
    one.reload()
    expect(one.get_by_role("radio", checked=True)).to_have_count(0)


def test_a_newcomer_signs_up_finds_a_book_asks_why_and_is_forgotten(
    page: Page, suite: RunningServer
) -> None:
    page.goto(f"{suite.url}/accounts/sign-up/?next=/discover/")
    page.get_by_label("Username").fill("newcomer-of-discover")
    page.get_by_label("Password").fill("a-quiet-lighthouse-7")
    page.get_by_role("button", name="Create account").click()
    page.get_by_label("Your sentence").fill("quiet science fiction, no war")
    page.get_by_role("button", name="Show me").click()
    for_you = shelf(page, "For you")
    expect(for_you.locator(".book-reason").first).to_contain_text(
        "Fits what you said", timeout=SLOW
    )
    picture(page, "discover-1-fits")
    book = for_you.locator(".book").first
    title = title_of(book)
    book.get_by_role("button", name="Save").click()
    expect(page.locator('[data-part="news"]')).to_have_text(
        f"Updated because you saved {title}", timeout=SLOW
    )
    page.get_by_label("Lead me to").fill("-1")
    expect(page.locator('[data-part="news"]')).to_have_text("More of the surprising", timeout=SLOW)
    picture(page, "discover-2-answers")
    for_you.locator(".book h3 a").first.click()
    why = page.locator("#why li").first
    expect(why).to_be_visible(timeout=SLOW)
    phrase = page.locator("#why q").first
    expect(phrase).to_be_visible(timeout=SLOW)
    expect(page.locator(".item-text mark").first).to_be_visible()
    assert phrase.inner_text() in page.locator(".item-text").inner_text()
    picture(page, "discover-3-why")
    page.get_by_role("link", name="Saved and profile").click()
    expect(page.locator(".history li", has_text=title)).to_be_visible()
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Forget me").click()
    expect(page.get_by_role("heading", name="You are forgotten")).to_be_visible(timeout=SLOW)
    expect(page.locator(".receipt")).to_contain_text("Looked for again just now")
    picture(page, "discover-4-forgotten")
    page.get_by_role("link", name="Start afresh").click()
    expect(page.locator('[data-part="wish-panel"]')).to_have_class("wish is-cold")
