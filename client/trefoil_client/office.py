"""What stands behind the desk, over HTTP: who works there, by which rules, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from trefoil_client.collection import Collection, Row
from trefoil_client.connection import Connection, given


class Office(Connection):
    """Teams, rules, flows, webhooks, reports and customers of Support; a context manager.

    What a token may do is what its person may do. ``teams``, ``policies``, ``macros`` and
    ``retention`` are collections. What the server refuses is raised as ``TrefoilError``; what keeps
    it from answering as the errors of ``httpx``.
    """

    _part = "support"

    def __init__(self, url: str, token: str, *, timeout: float = 30.0) -> None:
        super().__init__(url, token, timeout=timeout)
        self.teams = Collection(self._answer, "teams/")
        self.policies = Collection(self._answer, "policies/")
        self.macros = Collection(self._answer, "macros/")
        self.retention = Collection(self._answer, "retention/")

    def presence(self) -> list[Row]:
        """Who is on duty."""
        return self._rows("presence/")

    def set_away(self, *, away: bool) -> Row:
        """Say of oneself whether one is away."""
        return self._asked("PUT", "presence/", json={"away": away})

    def set_duty(self, operator: int, *, capacity: int, skills: Sequence[str] = ()) -> Row:
        """How many conversations an operator is dealt, and the matters that they know."""
        body = {"capacity": capacity, "skills": list(skills)}
        return self._asked("PUT", f"operators/{operator}/", json=body)

    def hours(self) -> Row:
        """When the desk is open."""
        return self._asked("GET", "hours/")

    def set_hours(
        self, *, zone: str, week: Mapping[str, str], holidays: Mapping[str, str] | None = None
    ) -> Row:
        """``week`` maps "0" (Monday) to "6" to hours as ``09:00-17:00``, ``holidays`` a date to its
        name."""
        body = {"zone": zone, "week": dict(week), "holidays": dict(holidays or {})}
        return self._asked("PUT", "hours/", json=body)

    def views(self) -> list[Row]:
        """One's own views of the list."""
        return self._rows("views/")

    def keep_view(self, name: str, *, tab: str = "all", **filters: str | int) -> Row:
        """Keep filters under a name; the same name again replaces what it stood for."""
        return self._asked("POST", "views/", json={"name": name, "tab": tab, "filters": filters})

    def drop_view(self, id: int) -> None:
        self._answer("DELETE", f"views/{id}/")

    def retention_preview(self, rule: int) -> Row:
        """What a rule would delete if it were applied now."""
        return self._asked("GET", f"retention/{rule}/preview/")

    def promises(self) -> Row:
        """Every group with what its promise costs and how it is kept; notices."""
        return self._asked("GET", "promises/")

    def promise(
        self, name: str, intents: Sequence[str], error: float | None, *, id: int | None = None
    ) -> Row:
        """Promise an error for a group of matters: a new one, or the one that has that ``id``."""
        body = {"name": name, "intents": list(intents), "error": error}
        if id is None:
            return self._asked("POST", "promises/", json=body)
        return self._asked("PUT", f"promises/{id}/", json=body)

    def drop_promise(self, id: int) -> None:
        self._answer("DELETE", f"promises/{id}/")

    def report(
        self, first: date | None = None, last: date | None = None, *, team: int | None = None
    ) -> Row:
        """The report of the days from ``first`` to ``last``, by default the last 30."""
        return self._asked("GET", "reports/", params=_period(first, last, team))

    def report_table(
        self,
        table: str,
        first: date | None = None,
        last: date | None = None,
        *,
        team: int | None = None,
    ) -> str:
        """One table of a report as CSV."""
        query = _period(first, last, team) | {"table": table}
        return self._answer("GET", "reports/", params=query).text

    def report_conversations(
        self,
        part: str,
        name: str = "",
        *,
        first: date | None = None,
        last: date | None = None,
        team: int | None = None,
    ) -> list[Row]:
        """The conversations behind a number of a report, the latest 500."""
        query = _period(first, last, team) | {"part": part, "name": name}
        return self._rows("reports/conversations/", **query)

    def report_mail(self) -> Row:
        """How often one gets the report by mail."""
        return self._asked("GET", "reports/mail/")

    def set_report_mail(self, every: str, *, team: int | None = None) -> Row:
        """Get the report by mail of each ``day``, ``week`` or ``month``, or ``never``."""
        return self._asked("PUT", "reports/mail/", json={"every": every, "team": team})

    def replays(self) -> list[Row]:
        """Past replays of real conversations against a candidate."""
        return self._rows("replays/")

    def replay(self, id: str) -> Row:
        """One replay: its progress, then what would change."""
        return self._asked("GET", f"replays/{id}/")

    def start_replay(
        self,
        *,
        number: int = 200,
        version: str | None = None,
        thresholds: Mapping[str, float] | None = None,
        flows: Sequence[int] = (),
    ) -> Row:
        """Replay the last ``number`` messages against a version, thresholds or flows."""
        body = {"number": number, "version": version, "thresholds": dict(thresholds or {})}
        return self._asked("POST", "replays/", json=body | {"flows": list(flows)})

    def customers(self, words: str = "") -> list[Row]:
        """People by their last word."""
        return self._rows("customers/", q=words)

    def customer(self, visitor: str) -> Row:
        """One person with their conversations."""
        return self._asked("GET", f"customers/{visitor}/")

    def export(self, visitor: str) -> Row:
        """All that is kept of a person."""
        return self._asked("GET", f"customers/{visitor}/export/")

    def erase(self, visitor: str, *, reason: str = "") -> Row:
        """Erase a person; returns the receipt."""
        return self._asked("DELETE", f"customers/{visitor}/", json={"reason": reason})

    def erasures(self, visitor: str | None = None) -> list[Row]:
        """Receipts of erasures, the last first."""
        return self._rows("erasures/", visitor=visitor)

    def audit(self, **narrowed: str) -> Iterator[Row]:
        """Who saw and did what; ``person``, ``action`` and ``about`` narrow it."""
        return self._paged("audit/", **narrowed)


def _period(first: date | None, last: date | None, team: int | None) -> dict[str, Any]:
    days = {"from": first and first.isoformat(), "to": last and last.isoformat()}
    return given(days | {"team": team})
