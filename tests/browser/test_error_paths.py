"""What goes wrong is said on the page, in words, and what was written is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from bench.server import RunningServer
from tests.browser.conftest import LINE_CUT, Complaints, say, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 30_000
PING_EVERY = 20_000  # milliseconds between the pings of static/js/socket.js
REFUSED = "status of 4(00|22)"  # the console names each refused request


def test_a_message_of_a_megabyte_is_refused_and_kept(page: Page, suite: RunningServer) -> None:
    page.goto(f"{suite.url}/support/widget/")
    expect(page.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
    box = page.get_by_label("Your message")
    box.evaluate("box => { box.value = 'a'.repeat(1024 * 1024); }")
    box.press("Enter")
    problem = page.locator("[data-too-long]")
    expect(problem).to_have_text("The message has 1,048,576 characters; 4,000 are allowed.")
    assert len(box.input_value()) == 1024 * 1024
    expect(page.locator(".message")).to_have_count(0)
    box.fill("How do I change my PIN?")
    expect(problem).to_be_hidden()
    box.press("Enter")
    expect(page.locator(".message.bot .source")).to_be_visible(timeout=SLOW)


def test_a_refused_message_keeps_its_text_and_can_be_sent_again(
    page: Page, suite: RunningServer
) -> None:
    page.goto(f"{suite.url}/support/widget/")
    expect(page.locator("[data-connection]").first).to_have_text("Live", timeout=SLOW)
    box = page.get_by_label("Your message")
    # More at once than a visitor may.
    box.evaluate(
        """box => {
            for (let number = 0; number < 60; number += 1) {
                box.value = `thanks ${number}`;
                box.form.requestSubmit();
            }
        }"""
    )
    failed = page.locator(".message.failed")
    expect(failed.first).to_contain_text("Too many", timeout=3 * SLOW)
    words = failed.first.locator(".message-text").inner_text()
    page.wait_for_timeout(3000)  # the limit lets a few through again
    failed.first.get_by_role("button", name="Retry").click()
    stored = page.locator(".message.visitor[data-seq] .message-text")
    expect(stored.get_by_text(words, exact=True)).to_have_count(1, timeout=SLOW)


@pytest.mark.parametrize("path", ["/market/", "/support/", "/discover/"])
def test_a_server_that_is_away_is_told_and_caught_up_with(
    path: str, page: Page, bare: RunningServer, complaints: Complaints
) -> None:
    complaints.allow(LINE_CUT)
    bare.start()
    who = {"/market/": "anna", "/support/": "olivia", "/discover/": "mei"}[path]
    sign_in(page, bare, who, path)
    expect(page.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    bare.kill()
    expect(page.locator("[data-lost]")).to_be_visible(timeout=SLOW)
    expect(page.locator("[data-lost]")).to_contain_text("The connection is lost")
    bare.start()
    expect(page.locator("[data-connection]")).to_have_text("Live", timeout=SLOW)
    expect(page.locator("[data-lost]")).to_be_hidden()
    expect(page.locator(".toasts")).to_contain_text("Caught up", timeout=SLOW)


def test_a_line_that_fell_silent_is_given_up_and_opened_anew(
    page: Page, suite: RunningServer, complaints: Complaints
) -> None:
    """No event tells of it: the cable is out behind the router, and the socket stays open."""
    complaints.allow(LINE_CUT)
    lines: list[bool] = []

    def forward(line: WebSocketRoute) -> None:
        server = line.connect_to_server()
        lines.append(True)
        mine = len(lines) - 1
        server.on_message(lambda message: line.send(message) if lines[mine] else None)

    page.route_web_socket("**/ws/**", forward)
    page.clock.install()
    page.goto(f"{suite.url}/support/widget/")
    connection = page.locator("[data-connection]").first
    expect(connection).to_have_text("Live", timeout=SLOW)
    for _ in range(3):
        page.clock.run_for(PING_EVERY)
        page.wait_for_timeout(500)  # the answer comes by the real clock
    assert (lines, connection.inner_text()) == ([True], "Live")

    lines[0] = False
    page.clock.run_for(2 * PING_EVERY)
    expect(page.locator("[data-lost]")).to_be_visible()
    page.clock.run_for(1000)
    expect(connection).to_have_text("Live", timeout=SLOW)
    assert lines == [False, True]
    say(page, "How do I change my PIN?")
    expect(page.locator(".message.bot .source")).to_be_visible(timeout=SLOW)


def test_a_wrong_password_is_told_without_saying_which_part(
    page: Page, suite: RunningServer
) -> None:
    page.goto(f"{suite.url}/accounts/sign-in/?next=/support/")
    page.get_by_label("User name").fill("olivia")
    page.get_by_label("Password").fill("not-the-password")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("The name or the password is not right.")
    expect(page.get_by_label("User name")).to_have_value("olivia")


def test_a_broken_file_of_news_is_refused_by_row(
    page: Page, suite: RunningServer, tmp_path: Path
) -> None:
    sign_in(page, suite, "anna", "/market/sources/")
    file = tmp_path / "broken.csv"
    file.write_bytes(b"title,body,source\nGood news,All well,Wire\n\xff\xfe,bad bytes,Wire\n")
    page.get_by_label("CSV or JSONL").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    job = page.locator("section.card", has_text="broken.csv").first
    expect(job.locator(".chip")).to_have_text("Failed", timeout=SLOW, ignore_case=True)
    expect(job.locator(".form-error")).to_contain_text("broken.csv")


def test_a_file_of_another_type_is_refused_at_once(
    page: Page, suite: RunningServer, tmp_path: Path, complaints: Complaints
) -> None:
    complaints.allow(REFUSED)
    file = tmp_path / "prices.xlsx"
    file.write_bytes(b"PK\x03\x04")
    sign_in(page, suite, "anna", "/market/sources/")
    page.get_by_label("CSV or JSONL").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_contain_text("prices.xlsx: only .csv and .jsonl")


def test_a_broken_file_of_books_is_refused_by_row(
    page: Page, suite: RunningServer, tmp_path: Path
) -> None:
    sign_in(page, suite, "admin", "/discover/catalogue/")
    file = tmp_path / "books.csv"
    file.write_text("item_id,title,text,tags\nb1,A good one,Words,sea\n,Without an id,Words,sea\n")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.locator(".form-error")).to_contain_text("books.csv", timeout=SLOW)
    expect(page.locator(".form-error")).to_contain_text("3")


def test_a_part_swapped_out_while_its_script_comes_is_left_alone(
    page: Page, suite: RunningServer
) -> None:
    """A panel that is drawn anew at once: the script of its first drawing would find nothing."""
    sign_in(page, suite, "olivia", "/support/")
    page.locator("[data-rows] a").first.wait_for()
    page.evaluate(
        """async () => {
            const part = Object.assign(document.createElement("div"), {
                innerHTML: '<div data-controller="hub-spans" data-source="gone"></div>',
            });
            document.body.append(part);
            part.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true }));
            part.remove();
            const map = JSON.parse(document.getElementById("controllers").textContent);
            await import(map["hub-spans"]);
        }"""
    )
    page.wait_for_timeout(100)  # a complaint fails the test at its end


def test_a_link_to_a_prediction_that_cannot_be_opened_says_why(
    page: Page, suite: RunningServer, complaints: Complaints
) -> None:
    """The form offers no such task; what is sent is still the one that the link names."""
    complaints.allow(REFUSED)
    sign_in(page, suite, "lena", "/models/")
    page.get_by_role("heading", name="Models", exact=True).wait_for()
    page.goto(f"{suite.url}/models/prediction/#task=pii&text=ann%40example.org")
    expect(page.get_by_role("alert")).to_contain_text("pii has no version of its own")
