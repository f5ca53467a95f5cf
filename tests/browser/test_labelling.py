"""Two people label by keys, classes and entities, with the real models; a lead decides; monitoring
sees what was asked."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from bench.server import RunningServer
from tests.browser.conftest import Complaints, OpenPage, picture, sign_in
from tests.browser.test_accessibility import violations

pytestmark = [pytest.mark.browser, pytest.mark.models]
TEXTS = [f"where is the card that I ordered in week {number}" for number in range(6)]


# Presses a key in the very moment in which another text stands there, as no hand could.
AT_ONCE = """key => new MutationObserver(() => {
  const text = document.querySelector("blockquote")?.textContent;
  if (!text || text === window.pressedFor) return;
  window.pressedFor = text;
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}).observe(document.body, { childList: true, subtree: true })"""


def shown(page: Page) -> str:
    text: str = page.locator("blockquote").inner_text()
    return text


def test_two_people_label_by_keys(
    bare: RunningServer, open_page: OpenPage, complaints: Complaints
) -> None:
    bare.start()
    lead = sign_in(open_page(), bare, "lena", "/models/label/")
    lead.get_by_label("Name").fill("Cards")
    lead.get_by_label("Task").select_option("intent")
    lead.get_by_label("Texts, one a line").fill("\n".join(TEXTS))
    lead.get_by_label("Guidelines").fill("Choose the matter, not the mood.")
    lead.get_by_role("button", name="Make the queue").click()
    expect(lead.locator("blockquote")).to_be_visible()
    path = lead.url.removeprefix(bare.url)
    operator = sign_in(open_page(), bare, "olivia", path)
    assert shown(operator) != shown(lead)
    picture(lead, "label-1")
    first = shown(lead)
    lead.keyboard.press("?")
    expect(lead.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert not list(violations(lead))
    lead.keyboard.press("1")
    lead.keyboard.press("Escape")
    assert shown(lead) == first, "while the list is open, keys label nothing"
    lead.keyboard.press("1")
    expect(lead.locator(".hub-lead")).to_contain_text("1 / 6")
    assert shown(lead) not in (first, shown(operator))
    lead.keyboard.press("u")
    expect(lead.locator(".hub-lead")).to_contain_text("0 / 6")
    assert shown(lead) == first
    lead.keyboard.press("/")
    lead.keyboard.press("Enter")
    expect(lead.get_by_text("Choose a label.")).to_be_visible()
    expect(lead.locator("blockquote")).to_have_text(first)
    lead.keyboard.press("/")
    lead.keyboard.type("a slip")
    lead.keyboard.press("Escape")
    lead.keyboard.press("1")
    expect(lead.locator(".hub-lead")).to_contain_text("1 / 6")
    lead.keyboard.press("/")
    lead.keyboard.type("card_in_the_mail")
    lead.keyboard.press("Enter")
    expect(lead.locator(".hub-lead")).to_contain_text("2 / 6")
    operator.keyboard.press("s")
    expect(operator.locator(".hub-lead")).to_contain_text("3 / 6")
    for number in range(4, 7):
        lead.keyboard.press("2")
        expect(lead.locator(".hub-lead")).to_contain_text(f"{min(number, 5)} / 6")
    expect(lead.get_by_text("Nothing is left for you")).to_be_visible()
    lead.goto(f"{bare.url}/models/examples/")
    expect(lead.locator(".hub-examples tbody tr")).to_have_count(4)
    expect(lead.locator(".hub-examples").get_by_text("a slip")).to_have_count(0)
    lead.goto(f"{bare.url}/models/monitoring/")
    expect(lead.get_by_role("heading", name="Monitoring")).to_be_visible()
    picture(lead, "monitoring")
    lead.goto(f"{bare.url}/models/trials/")
    expect(lead.get_by_role("heading", name="Trials")).to_be_visible()
    complaints.allow("ERR_FAILED", "htmx:afterRequest", "htmx:sendError")  # what it cuts on purpose
    label_in_haste(lead, bare)
    mark_entities(lead, operator, bare)


def label_in_haste(lead: Page, server: RunningServer) -> None:
    """A key that comes before the next text labels nothing, one that comes with it is heard; what
    the server does not take is told, and can be sent again."""
    lead.goto(f"{server.url}/models/label/")
    lead.get_by_label("Name").fill("Haste")
    lead.get_by_label("Task").select_option("intent")
    lead.get_by_label("Texts, one a line").fill("\n".join(f"{text} of May" for text in TEXTS))
    lead.get_by_role("button", name="Make the queue").click()
    first = shown(lead)
    lead.evaluate("window.stays = true")
    lead.route("**/models/label/*/*/", lambda route: route.abort())
    lead.keyboard.press("2")
    expect(lead.get_by_text("The server cannot be reached. Try again.")).to_be_visible()
    lead.unroute("**/models/label/*/*/")
    assert shown(lead) == first

    def slowly(route: Route) -> None:
        lead.keyboard.press("2")
        lead.keyboard.press("s")
        route.continue_()

    lead.route("**/models/label/*/*/", slowly, times=1)
    lead.keyboard.press("2")
    expect(lead.locator("blockquote")).not_to_have_text(first)
    expect(lead.locator("blockquote")).to_be_focused()
    expect(lead.locator(".hub-lead")).to_have_text("1 / 6 · Lena Novak 1")
    lead.evaluate(AT_ONCE, "2")
    lead.keyboard.press("2")
    expect(lead.get_by_text("Nothing is left for you")).to_be_visible()
    expect(lead.locator(".hub-lead")).to_have_text("6 / 6 · Lena Novak 6")
    assert lead.evaluate("window.stays"), "the page was never loaded anew"
    path = lead.url.removeprefix(server.url)
    lead.context.clear_cookies(name="sessionid")
    lead.keyboard.press("u")
    expect(lead.get_by_label("Password")).to_be_visible()
    sign_in(lead, server, "lena", path)
    expect(lead.get_by_text("Nothing is left for you")).to_be_visible()


def mark_entities(lead: Page, operator: Page, server: RunningServer) -> None:
    """Both mark one text, the lead by keys and the operator by mouse; the lead takes a side."""
    lead.goto(f"{server.url}/models/label/")
    lead.get_by_label("Name").fill("Names")
    lead.get_by_label("Task").select_option("ner")
    lead.get_by_label("Each text is labelled by").select_option("2")
    lead.get_by_label("Texts, one a line").fill("yesterday zed quill met 🚀 paperclip staff")
    lead.get_by_role("button", name="Make the queue").click()
    text = lead.get_by_role("group", name="Text with its entities")
    expect(text).to_be_focused()
    lead.keyboard.press("ArrowRight")
    lead.keyboard.press("Shift+ArrowRight")
    lead.keyboard.press("3")
    expect(text.locator("mark")).to_have_text("zed quillPER")
    lead.keyboard.press("1")
    expect(text.locator("mark")).to_have_text("zed quillLOC")
    lead.keyboard.press("Backspace")
    expect(text.locator("mark")).to_have_count(0)
    lead.keyboard.press("3")
    picture(lead, "label-entities")
    path = lead.url
    lead.keyboard.press("Enter")
    expect(lead.get_by_text("Nothing is left for you")).to_be_visible()
    operator.goto(path)
    operator.get_by_text("paperclip", exact=True).dblclick()
    operator.get_by_role("button", name="ORG").click()
    expect(operator.locator("mark")).to_have_text("paperclipORG")
    operator.get_by_role("button", name="Store and go on").click()
    expect(lead.locator("[data-done]")).to_have_text("2 / 2")
    lead.get_by_role("link", name="Agreement").click()
    expect(lead.locator(".hub-sides mark")).to_have_text(["zed quillPER", "paperclipORG"])
    assert not list(violations(lead))
    expect(lead.get_by_role("article")).to_be_focused()
    lead.keyboard.press("n")
    editor = lead.get_by_role("group", name="Text with its entities")
    expect(editor).to_be_focused()
    for _ in range(5):
        lead.keyboard.press("ArrowRight")
    lead.keyboard.press("2")
    expect(editor.locator("mark")).to_have_text(["zed quillPER", "paperclipORG"])
    lead.keyboard.press("Enter")
    expect(lead.locator(".hub-verdict mark")).to_have_text(["zed quillPER", "paperclipORG"])
    lead.get_by_role("article").focus()
    lead.keyboard.press("1")
    expect(lead.locator(".hub-verdict mark")).to_have_text(["zed quillPER"])
