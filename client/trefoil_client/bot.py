"""What the bot of Support knows and says, over HTTP: articles, gaps, flows, and who is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trefoil_client.collection import Row
from trefoil_client.connection import Connection, given


class Bot(Connection):
    """Keeps articles, content gaps, flows and webhooks of Support; a context manager.

    What the server refuses is raised as ``TrefoilError``; what keeps it from answering as the
    errors of ``httpx``.
    """

    _part = "support"

    def articles(self, **narrowed: str) -> Iterator[Row]:
        """The articles by title, page by page; ``q``, ``state`` and ``tag`` narrow them."""
        return self._paged("articles/", **narrowed)

    def article(self, id: str) -> Row:
        return self._asked("GET", f"articles/{id}/")

    def write(self, id: str, *, title: str, body: str, **more: Any) -> Row:
        """Replace or create an article; ``tags``, ``questions``, ``language``, ``audience`` and
        ``published`` are as in the schema."""
        row = {"title": title, "body": body, **more}
        return self._asked("PUT", f"articles/{id}/", json=row)

    def write_all(self, articles: Sequence[Mapping[str, Any]]) -> Row:
        """Replace or create several; tells what was done."""
        return self._asked("POST", "articles/", json=list(articles))

    def upload(self, files: Mapping[str, bytes], **options: str) -> Row:
        """Import files (Markdown, HTML, zip, CSV, JSONL) by name; ``preview="true"`` stores
        nothing. Many articles become a job, which is returned."""
        parts = [("files", (name, content)) for name, content in files.items()]
        return self._asked("POST", "articles/upload/", files=parts, data=options)

    def delete(self, id: str) -> None:
        self._answer("DELETE", f"articles/{id}/")

    def versions(self, id: str) -> list[Row]:
        """What an article was, the latest first."""
        return self._rows(f"articles/{id}/versions/")

    def restore(self, id: str, number: int) -> Row:
        """Make an old version the present one."""
        return self._asked("POST", f"articles/{id}/versions/{number}/restore/")

    def health(self, id: str) -> Row | None:
        """Where an article was cited, whether it helped, since when it is stale; ``None`` before it
        was looked at."""
        found = self._answer("GET", f"articles/{id}/health/")
        return found.json() if found.content else None

    def gaps(self, state: str = "open") -> list[Row]:
        """What customers asked and no article answers, the largest first."""
        return self._rows("gaps/", state=state)

    def draft_gap(self, id: int) -> str:
        """Begin an article about a gap; returns the article's id."""
        return str(self._asked("POST", f"gaps/{id}/draft/")["article"])

    def dismiss_gap(self, id: int, *, back: bool = False) -> Row:
        """Dismiss a gap, or take that ``back``."""
        return self._asked("POST", f"gaps/{id}/{'reopen' if back else 'dismiss'}/")

    def corrected_articles(self, form: str = "queries") -> str:
        """What operators agree on, as JSONL: ``queries`` or ``pairs``."""
        found = self._answer("GET", "corrections/articles/export/", params={"form": form})
        return found.text

    def flows(self) -> list[Row]:
        """All flows with their latest and their published version."""
        return self._rows("flows/")

    def flow(self, name: str) -> Row:
        """A flow with its versions."""
        return self._asked("GET", f"flows/{name}/")

    def flow_version(self, name: str, number: int) -> Row:
        """One version with its YAML."""
        return self._asked("GET", f"flows/{name}/versions/{number}/")

    def check_flow(self, source: str) -> Row:
        """All that is wrong with a flow in YAML; stores nothing."""
        return self._asked("POST", "flows/check/", json={"source": source})

    def preview_flow(self, source: str, says: Sequence[str]) -> list[Row]:
        """A conversation with a flow that need not be stored, without side effects."""
        body = {"source": source, "says": list(says)}
        found: list[Row] = self._answer("POST", "flows/preview/", json=body).json()
        return found

    def draft_flow(self, source: str) -> Row:
        """Store YAML as the next draft of the flow that it names."""
        return self._asked("POST", "flows/", json={"source": source})

    def test_flow(self, name: str, number: int) -> Row:
        """Test a version by the rehearsals in it."""
        return self._asked("POST", f"flows/{name}/versions/{number}/test/")

    def publish_flow(self, name: str, number: int) -> Row:
        """Publish a tested version."""
        return self._asked("POST", f"flows/{name}/versions/{number}/publish/")

    def switch_flow(self, name: str, *, enabled: bool) -> Row:
        return self._asked("POST", f"flows/{name}/", json={"enabled": enabled})

    def webhooks(self) -> list[Row]:
        return self._rows("webhooks/")

    def webhook(self, id: int) -> Row:
        return self._asked("GET", f"webhooks/{id}/")

    def add_webhook(self, name: str, address: str, events: Sequence[str]) -> Row:
        """Add a webhook; its ``secret`` is told this once."""
        body = {"name": name, "address": address, "events": list(events)}
        return self._asked("POST", "webhooks/", json=body)

    def change_webhook(
        self, id: int, *, enabled: bool | None = None, events: Sequence[str] | None = None
    ) -> Row:
        """Switch a webhook on or off, or say what it is told of."""
        body = given({"enabled": enabled, "events": events})
        return self._asked("PATCH", f"webhooks/{id}/", json=body)

    def delete_webhook(self, id: int) -> None:
        self._answer("DELETE", f"webhooks/{id}/")

    def test_webhook(self, id: int) -> Row:
        """Send a test; returns its delivery."""
        return self._asked("POST", f"webhooks/{id}/test/")

    def renew_secret(self, id: int) -> str:
        """Give a webhook a new secret, told this once."""
        return str(self._asked("POST", f"webhooks/{id}/secret/")["secret"])

    def deliveries(self, **narrowed: str | int) -> Iterator[Row]:
        """What webhooks were told, newest first; ``state`` and ``webhook`` narrow it."""
        return self._paged("webhooks/deliveries/", **narrowed)

    def resend(self, delivery: int) -> Row:
        """Send again what was given up."""
        return self._asked("POST", f"webhooks/deliveries/{delivery}/resend/")
