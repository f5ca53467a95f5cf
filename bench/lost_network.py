"""A customer and an operator in Chromium, and the network of one of them gone for 30 seconds.

    python -m bench.lost_network [--seconds 30] [--json]

Each reaches the server through a line of its own. Cut, it carries nothing and closes nothing, as a
network that is out of reach; restored, it either goes on (``stalled``) or has forgotten its
connections (``dropped``). Both write meanwhile. Both pages must show each message once, in order;
told is how long after the line came back they do.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.server import RunningServer, free_port

_PEOPLE = (
    "from apps.accounts.services import demo_users_load; "
    "from apps.core.jobs import NoProgress; demo_users_load(NoProgress())"
)
_PATIENCE = 60_000
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
_PIECE = 64 * 1024


class Line:
    """Carries TCP connections from a port of its own to the server, while it is up."""

    def __init__(self, to: int) -> None:
        self.port = free_port()
        self._to = to
        self._up = threading.Event()
        self._up.set()
        self._ends: list[socket.socket] = []
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        self._up.clear()

    def restore(self, *, forget: bool) -> None:
        """Carry again; ``forget`` ends the connections that there were."""
        if forget:
            for end in self._ends:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            self._ends.clear()
        self._up.set()

    def close(self) -> None:
        self._door.close()
        self.restore(forget=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        self._ends.append(near)
        self._up.wait()
        try:
            far = socket.create_connection(("127.0.0.1", self._to))
        except OSError:  # no server is there: told as it would be without the line
            near.close()
            return
        self._ends.append(far)
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(_PIECE):
                self._up.wait()
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def measure(seconds: float) -> dict[str, Any]:
    """By whose line was cut and what became of its connections: the seconds until both had all."""
    with tempfile.TemporaryDirectory() as folder, RunningServer(Path(folder)) as server:
        server.prepare("import_articles demo/knowledge")
        server.manage("shell", "-c", _PEOPLE)
        server.start()
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=_ARGUMENTS
            )
            found = {
                f"{who}, {how}": _lost(chromium, server, who, how == "dropped", seconds)
                for who in ("customer", "operator")
                for how in ("stalled", "dropped")
            }
            chromium.close()
    return {"seconds_away": seconds, "caught_up_after": found}


def _lost(
    chromium: Browser, server: RunningServer, who: str, forget: bool, seconds: float
) -> float:
    with _lines(server) as lines:
        customer = chromium.new_context().new_page()
        operator = chromium.new_context().new_page()
        _open(customer, operator, lines)
        lines[who].cut()
        _write(customer, "#widget-text", "written by the customer meanwhile")
        _write(operator, "#console-text", "written by the operator meanwhile")
        time.sleep(seconds / 2)
        _write(customer, "#widget-text", "and once more by the customer")
        time.sleep(seconds / 2)
        lines[who].restore(forget=forget)
        began = time.monotonic()
        for page in (customer, operator):
            written = page.locator(".message[data-seq]", has_text="meanwhile")
            expect(written).to_have_count(2, timeout=_PATIENCE)
            again = page.locator(".message[data-seq]", has_text="once more")
            expect(again).to_have_count(1, timeout=_PATIENCE)
            expect(page.locator(".message.waiting")).to_have_count(0, timeout=_PATIENCE)
        took = time.monotonic() - began
        if _shown(customer) != _shown(operator):
            raise RuntimeError(f"{who}: {_shown(customer)} is not {_shown(operator)}")
        operator.keyboard.press("Escape")
        operator.keyboard.press("e")  # resolved: the next one begins with an empty desk
        expect(customer.locator("[data-status]")).to_contain_text("resolved", timeout=_PATIENCE)
        for page in (customer, operator):
            page.context.close()
    return round(took, 2)


@contextlib.contextmanager
def _lines(server: RunningServer) -> Iterator[dict[str, Line]]:
    lines = {"customer": Line(server.port), "operator": Line(server.port)}
    try:
        yield lines
    finally:
        for line in lines.values():
            line.close()


def _open(customer: Page, operator: Page, lines: dict[str, Line]) -> None:
    """The operator has the customer's conversation, and both are connected."""
    customer.goto(f"{lines['customer'].url}/support/widget/")
    expect(customer.locator("[data-connection]").first).to_have_text("Live", timeout=_PATIENCE)
    _write(customer, "#widget-text", "How do I change my PIN?")
    expect(customer.locator(".message.bot[data-seq]")).to_have_count(1, timeout=_PATIENCE)
    customer.click("[data-person]")
    operator.goto(f"{lines['operator'].url}/accounts/sign-in/?next=/support/")
    operator.locator('form[action*="/demo/olivia"] button').first.click()
    operator.locator("[data-rows] a").first.click(timeout=_PATIENCE)
    expect(operator.locator(".message.bot[data-seq]")).to_have_count(1, timeout=_PATIENCE)
    expect(operator.locator("[data-connection]").first).to_have_text("Live", timeout=_PATIENCE)
    operator.click('[data-action="conversation.take"]')
    expect(customer.locator("[data-status]")).to_contain_text("Olivia", timeout=_PATIENCE)


def _write(page: Page, box: str, text: str) -> None:
    page.fill(box, text)
    page.press(box, "Enter")


def _shown(page: Page) -> list[tuple[int, str]]:
    """The messages as the page shows them; raises ``RuntimeError`` for one out of its place."""
    shown = page.locator(".message[data-seq]:not(.note)").evaluate_all(
        "items => items.map(item => [Number(item.dataset.seq),"
        " item.querySelector('.message-text').innerText])"
    )
    numbers = [number for number, _ in shown]
    if numbers != sorted(set(numbers)):
        raise RuntimeError(f"out of order: {shown}")
    return [(number, text) for number, text in shown]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the line is cut")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    options = parser.parse_args()
    found = measure(options.seconds)
    for name, took in found["caught_up_after"].items():
        print(f"{name:20}  all messages once and in order {took:.2f} s after the line came back")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
