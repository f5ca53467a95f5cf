"""Actions: bounded in time, tried again, signed; a failure leads to the error branch."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from apps.core.signing import nonce_new, secret_of, signed_headers
from apps.support.flows import actions
from apps.support.flows.actions import ActionFailed, Call, perform, register_action, rehearse
from apps.support.flows.definition import Step


@dataclass
class Receiver:
    """A server that answers as told: each entry is a status, or seconds to hang."""

    answers: list[int | float]
    body: bytes = b'{"status": "open"}'
    seen: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    told = Receiver([200])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.seen.append((dict(self.headers), body))
            answer = told.answers.pop(0) if len(told.answers) > 1 else told.answers[0]
            if isinstance(answer, float):
                time.sleep(answer)
                return
            self.send_response(answer)
            self.end_headers()
            self.wfile.write(told.body)

        def log_message(self, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told.url = f"http://127.0.0.1:{server.server_port}/hook"
    settings.FETCH_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
    yield told
    server.shutdown()
    server.server_close()


def webhook(url: str, **more: Any) -> Step:
    return Step("call", "webhook", action=url, into="it", on_error="bad", **more)


def call(**more: Any) -> Call:
    return Call(values={"order": "LK-1042"}, key="run.call.1", today=date(2026, 3, 4), **more)


async def test_a_webhook_is_signed_and_its_answer_is_the_value(receiver: Receiver) -> None:
    nonce = nonce_new()
    result = await perform(webhook(receiver.url), call(nonce=nonce, flow="f", step="call"))
    assert result.value == {"status": "open"}
    headers, body = receiver.seen[0]
    assert json.loads(body)["data"]["values"] == {"order": "LK-1042"}
    expected = signed_headers(
        secret=secret_of(nonce),
        key="run.call.1",
        timestamp=int(headers["webhook-timestamp"]),
        body=body,
    )
    assert headers["webhook-signature"] == expected["webhook-signature"]


async def test_a_webhook_that_hangs_ends_in_time_with_each_try_under_one_key(
    receiver: Receiver,
) -> None:
    receiver.answers = [1.5]
    began = time.monotonic()
    result = await perform(webhook(receiver.url, seconds=0.3, tries=2), call(nonce="x"))
    assert time.monotonic() - began < 1.4
    assert (result.value, result.tries) == ({}, 2)
    assert "in time" in result.error
    assert [headers["webhook-id"] for headers, _ in receiver.seen] == ["run.call.1"] * 2


async def test_a_busy_receiver_is_tried_again_and_a_refusal_is_not(receiver: Receiver) -> None:
    receiver.answers = [503, 200]
    assert (await perform(webhook(receiver.url, tries=3), call(nonce="x"))).tries == 2
    receiver.answers = [404]
    refused = await perform(webhook(receiver.url, tries=3), call(nonce="x"))
    assert (refused.error, refused.tries) == ("The server answered 404.", 1)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"a": "' + b"x" * 20_000 + b'"}'])
async def test_an_answer_that_is_no_small_object_is_a_failure(
    receiver: Receiver, body: bytes
) -> None:
    receiver.body = body
    assert (await perform(webhook(receiver.url), call(nonce="x"))).error


async def test_a_webhook_does_not_reach_inside(settings: Any) -> None:
    settings.FETCH_ALLOWED_HOSTS = []
    result = await perform(webhook("http://127.0.0.1:1/", tries=3), call(nonce="x"))
    assert "private address" in result.error
    assert result.tries == 1


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "_registered", {})


async def test_a_function_that_hangs_or_breaks_is_a_failure(registered: None) -> None:
    async def hangs(call: Call) -> dict[str, Any]:
        await asyncio.sleep(30)
        return {}

    def breaks(call: Call) -> dict[str, Any]:
        raise KeyError("x")

    def refuses(call: Call) -> dict[str, Any]:
        raise ActionFailed("No such card.")

    for name, function in (("hangs", hangs), ("breaks", breaks), ("refuses", refuses)):
        register_action(f"t.{name}", function, writes=False)
    results = [
        await perform(Step("x", "do", action=f"t.{name}", seconds=0.1, tries=2), call())
        for name in ("hangs", "breaks", "refuses")
    ]
    assert [(one.error, one.tries) for one in results] == [
        ("no answer in time", 2),
        ("KeyError", 2),
        ("No such card.", 1),
    ]


async def test_a_preview_runs_what_reads_and_pretends_what_writes(registered: None) -> None:
    ran: list[str] = []

    async def reads(call: Call) -> dict[str, Any]:
        ran.append("reads")
        return {"a": 1}

    async def writes(call: Call) -> dict[str, Any]:
        ran.append("writes")
        return {"a": 2}

    register_action("t.reads", reads, writes=False)
    register_action("t.writes", writes, writes=True)
    foreseen = {"reference": "C-1"}
    assert (await rehearse(Step("x", "do", action="t.reads"), call())).value == {"a": 1}
    written = await rehearse(Step("x", "do", action="t.writes", preview=foreseen), call())
    posted = await rehearse(webhook("https://example.org/", preview={"error": "down"}), call())
    assert (written.value, posted.error, ran) == (foreseen, "down", ["reads"])
