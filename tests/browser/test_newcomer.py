"""A newcomer's first three minutes: own articles in, and the bot answers from them and cites them;
a rule of one's own, and replayed news sets it off.

``TREFOIL_SCREENSHOTS=<folder>`` keeps a picture of each step.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bench.server import RunningServer
from tests.browser.conftest import OpenPage, enter, picture

pytestmark = [pytest.mark.browser, pytest.mark.models]
SLOW = 60_000
THREE_MINUTES = 180
DOGS = """# Can I bring my dog to a branch?

Yes. Dogs are welcome in every branch that has a garden, on a lead.

Assistance dogs are welcome everywhere.
"""
BIKES = """<html><head><title>Larkspur</title></head><body><nav>Home</nav><main>
<h1>Where do I leave my bicycle?</h1><p>There are stands behind each branch.</p></main></body>
</html>
"""


def test_own_articles_are_imported_and_cited_in_an_answer(
    bare: RunningServer, open_page: OpenPage, tmp_path: Path
) -> None:
    began = time.monotonic()
    bare.start()
    for name, text in (("dogs.md", DOGS), ("bikes.html", BIKES)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    page = open_page()
    page.set_default_timeout(SLOW)
    enter(page, bare, "Open the console", "/support/")
    expect(page.locator("[data-connection]")).to_have_text("Live")  # nothing moves any more
    page.get_by_role("link", name="Knowledge base").click()
    expect(page.get_by_role("heading", name="Knowledge base")).to_be_visible()
    picture(page, "newcomer-1-list")
    page.get_by_role("link", name="Import", exact=True).click()
    page.set_input_files("[name=files]", [tmp_path / "dogs.md", tmp_path / "bikes.html"])
    expect(page.locator("[data-chosen]")).to_contain_text("2 files")
    picture(page, "newcomer-2-upload")
    page.get_by_role("button", name="See what is in it").click()
    expect(page.locator(".article-rows")).to_contain_text("Can I bring my dog to a branch?")
    picture(page, "newcomer-3-preview")
    page.get_by_role("button", name="Import 2 articles").click()
    expect(page.locator(".notice").first).to_contain_text("2 articles are imported")
    picture(page, "newcomer-4-imported")
    page.get_by_role("link", name="Can I bring my dog to a branch?").click()
    expect(page.locator("#preview p").first).to_contain_text("Dogs are welcome", timeout=SLOW)
    picture(page, "newcomer-5-editor")
    page.get_by_role("link", name="Try it").click()
    box = page.get_by_label("Your message")
    expect(box).to_have_value("Can I bring my dog to a branch?")
    box.fill("is my dog allowed in the branch with me?")
    page.get_by_role("button", name="Send").click()
    source = page.locator(".message.bot .source")
    expect(source).to_have_text("Can I bring my dog to a branch?", timeout=SLOW)
    expect(page.locator(".message.bot[data-seq]")).to_contain_text("every branch that has a garden")
    assert time.monotonic() - began < THREE_MINUTES
    picture(page, "newcomer-6-answer")


def test_an_article_is_written_previewed_and_restored(
    bare: RunningServer, open_page: OpenPage
) -> None:
    bare.start()
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.set_default_timeout(SLOW)
    enter(page, bare, "Open the console", "/support/")
    page.goto(f"{bare.url}/support/knowledge/?q=umbrella")
    picture(page, "newcomer-7-nothing-found")
    page.get_by_role("link", name="Draft article").click()
    page.fill("[name=title]", "Do you lend umbrellas?")
    page.fill("[name=body]", "Yes, **one** for each customer.")
    expect(page.locator("#preview strong")).to_have_text("one")
    picture(page, "newcomer-8-new")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".notice").first).to_have_text("Published.")
    page.fill("[name=body]", "No longer.")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Version 2").click()
    page.get_by_role("link", name="Version 1").click()
    picture(page, "newcomer-9-versions")
    page.get_by_role("button", name="Restore this version").click()
    expect(page.locator("[name=body]")).to_have_value("Yes, **one** for each customer.")
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390


def test_a_rule_of_ones_own_fires_on_replayed_news(
    suite: RunningServer, open_page: OpenPage
) -> None:
    page, began = open_page(), time.monotonic()
    page.set_default_timeout(SLOW)
    enter(page, suite, "Open the monitor", "/market/")
    page.get_by_role("link", name="Rules", exact=True).first.click()
    picture(page, "newcomer-market-1-rules")
    page.locator("input[name=company]").fill("HALV · Halvern Steel")
    page.locator("select[name=sentiment]").select_option("negative")
    expect(page.locator(".rule-sentence")).to_contain_text("Halvern Steel is bad for it")
    page.get_by_label("Name", exact=True).fill("Bad for Halvern")
    picture(page, "newcomer-market-2-preview")
    page.get_by_role("button", name="Make the rule").click()
    expect(page.locator(".rule", has_text="Bad for Halvern")).to_be_visible()
    picture(page, "newcomer-market-3-rule")
    page.get_by_role("link", name="Try your rules on old news").click()
    page.locator(".replay-form select[name=speed]").select_option(label="a day a second")
    picture(page, "newcomer-market-4-replay")
    page.get_by_role("button", name="Play").click()
    picture(page, "newcomer-market-5-playing")
    page.get_by_role("link", name="Watch it on the monitor").click()
    expect(page.locator("[data-connection]")).to_have_text("Live")
    alert = page.locator("[data-alert]", has_text="Bad for Halvern").first
    expect(alert).to_be_visible(timeout=SLOW)
    picture(page, "newcomer-market-6-alert")
    assert time.monotonic() - began < 180
    page.goto(f"{suite.url}/market/replays/")
    for replay in page.get_by_role("button", name="Cancel").all():
        replay.click()
