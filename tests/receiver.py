"""A real HTTP receiver of webhooks on this machine, and how it checks a signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Answers with the next of ``statuses`` (the last one again and again), and keeps requests."""

    statuses: list[int] = field(default_factory=lambda: [200])
    location: str = ""
    port: int = 0
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def json(self, index: int = -1) -> Any:
        return json.loads(self.bodies[index])

    def verify(self, secret: str, index: int = -1) -> bool:
        """Whether a request is signed with ``secret``, as a receiver finds out."""
        headers = self.headers[index]
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode()
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.new(raw, signed + self.bodies[index], hashlib.sha256).digest()
        return headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            receiver.bodies.append(self.rfile.read(length))
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            several = len(receiver.statuses) > 1
            self.send_response(receiver.statuses.pop(0) if several else receiver.statuses[0])
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
