"""The loop: a new topic is corrected in the console, learned, promoted, answered, rolled back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from bench.server import ROOT, RunningServer
from tests.browser.conftest import PEOPLE, OpenPage, picture, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.models]

SLOW = 60_000
RUN_MILLISECONDS = 480_000
SWAP_SECONDS = 10
MATTER = "shared household pot"
LABEL = "shared_household_pot"
QUESTION = "can my flatmates and I put money into one pot together"
ASKED = (
    "how do we open a pot for the whole household",
    "can two of us pay into one pot",
    "my flatmate wants to join my pot",
    "we want a pot that all of us can use",
    "is there a pot for people who live together",
    "how do I invite my partner to a pot",
    "could the four of us save in one pot",
    "set up a pot that my family shares",
    "I would like to share my pot with my sister",
    "who else may put money into our pot",
)
BASE = {
    "card_arrival": (
        *("where is my new card", "my card has not come", "has my card been sent"),
        *("I am waiting for the card", "when does the card arrive"),
    ),
    "change_pin": (
        *("how do I change my PIN", "I want another PIN", "set a new PIN for my card"),
        *("where do I set the PIN", "choose my own PIN"),
    ),
    "exchange_rate": (
        *("what is the exchange rate", "which rate do you use", "the rate for euros"),
        *("how good is your rate", "exchange rate for dollars"),
    ),
    "top_up_failed": (
        *("my top up failed", "topping up did not work", "the top-up was refused"),
        *("why did the top up fail", "a top up that did not go through"),
    ),
}
TAILS = ("", "please", "today", "can you help", "in the app", "this week", "thanks", "right now")
ARTICLE = (
    '{"id": "household-pot", "title": "Pots for a household", "body": "Open **Pots**, choose'
    ' *Shared* and invite up to five people.", "tags": ["intent:shared_household_pot"]}\n'
)


@pytest.fixture
def server(built_models: None, chromium: str, tmp_path: Path) -> Iterator[RunningServer]:
    """The suite with a worker and models of its own, since promotions change them."""
    var = tmp_path / "var"
    shutil.copytree(ROOT / "var" / "models", var / "models")
    article = tmp_path / "pots.jsonl"
    article.write_text(ARTICLE, encoding="utf-8")
    with RunningServer(var, worker=True) as server:
        server.prepare("import_articles demo/knowledge", f"import_articles {article}")
        server.manage("shell", "-c", PEOPLE)
        server.start()
        yield server


def ask(server: RunningServer, text: str) -> dict[str, Any]:
    """A new customer asks; returns the conversation, once the bot has answered."""
    with httpx.Client(base_url=f"{server.url}/api/v1/support", timeout=30) as client:
        token = client.post("/visitor/").raise_for_status().json()["token"]
        headers = {"X-Visitor-Token": token}
        message = {"id": "1", "text": text}
        client.post("/visitor/messages/", json=message, headers=headers).raise_for_status()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            found = client.get("/visitor/messages/", headers=headers).raise_for_status().json()
            if found["messages"][-1]["author"] == "bot":
                conversation: dict[str, Any] = found
                return conversation
            time.sleep(0.2)
    raise AssertionError("the bot did not answer")


def intent(page: Page, server: RunningServer) -> str:
    """The intent under which the question is answered now, as the operators' endpoint tells."""
    conversation = ask(server, QUESTION)["conversation"]
    answer = page.request.get(f"{server.url}/api/v1/support/conversations/{conversation}/")
    asked = answer.json()["messages"][0]
    return str(asked["analysis"]["intents"][0]["label"])


def correct(page: Page, server: RunningServer, conversation: str) -> None:
    page.goto(f"{server.url}/support/c/{conversation}/")
    page.get_by_text("Not this? Choose the matter").click(timeout=SLOW)
    page.get_by_label("Matter, known or new").fill(MATTER)
    picture(page, "loop-1-correct")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#correction")).to_contain_text(f"You said: {MATTER}", timeout=SLOW)


def test_a_new_topic_is_corrected_learned_promoted_and_rolled_back(
    server: RunningServer, open_page: OpenPage, tmp_path: Path
) -> None:  # the server comes first, so that pages are closed before it stops
    conversations = [ask(server, text)["conversation"] for text in ASKED]
    operator = sign_in(
        open_page(viewport={"width": 1400, "height": 900}), server, "olivia", "/support/"
    )
    expect(operator.get_by_label("Your account")).to_be_visible(timeout=SLOW)
    for conversation in conversations:
        correct(operator, server, conversation)
    assert intent(operator, server) != LABEL

    lead = sign_in(open_page(), server, "lena", "/models/examples/")
    expect(lead.locator(".hub-examples tbody tr")).to_have_count(len(ASKED))
    picture(lead, "loop-2-examples")
    make_version(lead, tmp_path)
    picture(lead, "loop-3-version")
    train(lead)
    open_changed_row(lead)
    promote(lead)
    began = time.monotonic()
    while intent(operator, server) != LABEL:
        assert time.monotonic() - began < SWAP_SECONDS, "the new version is not served"
    customer = open_page()
    customer.goto(f"{server.url}/support/widget/")
    customer.get_by_label("Your message").fill(QUESTION)
    customer.get_by_role("button", name="Send").click()
    expect(customer.locator(".message.bot .source").first).to_have_text(
        "Pots for a household", timeout=SLOW
    )
    lead.get_by_role("button", name="Roll back to").click()
    expect(lead.get_by_text("is live in every process")).to_be_visible(timeout=SLOW)
    picture(lead, "loop-7-rolled-back")
    began = time.monotonic()
    while intent(operator, server) == LABEL:
        assert time.monotonic() - began < SWAP_SECONDS, "the old version is not served"


def make_version(lead: Page, folder: Path) -> None:
    """A data set of the base file and the corrections."""
    base = folder / "base.csv"
    rows = [
        f"{text} {tail}".strip() + f",{label}"
        for label, texts in BASE.items()
        for text in texts
        for tail in TAILS
    ]
    base.write_text("\n".join(["text,label", *rows, ""]), encoding="utf-8")
    lead.get_by_role("link", name="Data sets").click()
    lead.get_by_label("Name").fill("Matters of customers")
    lead.get_by_label("Task").fill("intent")
    lead.get_by_role("button", name="Create").click()
    picture(lead, "loop-3-dataset")
    lead.get_by_label("CSV or JSONL").set_input_files(base)
    lead.get_by_role("button", name="See what is in it").click()
    expect(lead.get_by_text(f"Add the {len(ASKED)} corrections")).to_be_visible(timeout=SLOW)
    picture(lead, "loop-3-preview")
    lead.get_by_role("button", name="Make a version").click()
    expect(lead.get_by_role("heading", name="Version 1")).to_be_visible(timeout=SLOW)
    expect(lead.locator(".loop-bars")).to_contain_text(LABEL)


def train(lead: Page) -> None:
    lead.get_by_role("link", name="Train on it").click()
    lead.get_by_label("Epochs").fill("6")
    expect(lead.locator("[data-estimate]")).to_contain_text("About")
    picture(lead, "loop-4-form")
    lead.get_by_role("button", name="Start the run").click()
    expect(lead.locator("[data-curve=loss] svg")).to_be_visible(timeout=RUN_MILLISECONDS)
    picture(lead, "loop-5-running")
    expect(lead.get_by_role("heading", name="The gate")).to_be_visible(timeout=RUN_MILLISECONDS)


def open_changed_row(lead: Page) -> None:
    """A row that changed opens to what the live version and the candidate say of it."""
    run = lead.url
    lead.get_by_role("region", name="Rows that changed").get_by_role("link").first.click()
    said = lead.get_by_role("region", name="What other versions say")
    expect(said.get_by_text("otherwise").first).to_be_visible(timeout=SLOW)
    expect(lead.locator("#opened-why figure")).to_be_visible(timeout=SLOW)
    picture(lead, "loop-6-prediction")
    lead.goto(run)


def promote(lead: Page) -> None:
    """Read the comparison, then promote."""
    picture(lead, "loop-6-result")
    expect(lead.locator(".chip", has_text="passed its gate")).to_be_visible()
    changed = lead.get_by_role("region", name="Rows that changed")
    expect(changed).to_contain_text(LABEL)
    lead.get_by_label("Reason, for the record").fill("Customers ask about pots for households")
    lead.get_by_role("button", name="Promote").click()
    expect(lead.get_by_text("is live in every process")).to_be_visible(timeout=SLOW)
    picture(lead, "loop-7-promoted")
