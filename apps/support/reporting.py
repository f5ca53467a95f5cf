"""Reports in the shapes in which they leave: JSON, CSV, and the geometry of the chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support.selectors.reports import Period, Report, Row, report_get

WIDTH, HEIGHT = 900.0, 120.0
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Bar:
    """A day: conversations, and of them those that the bot had alone, in the chart's units."""

    x: float
    width: float
    y: float
    height: float
    bot_y: float
    bot_height: float
    title: str


def report_of(given: Mapping[str, str], *, operator: User) -> Report:
    """The report that a query asks for with ``from``, ``to`` and ``team``; raises
    ``InvalidInput``."""
    team = given.get("team", "")
    if team and (not team.isdecimal() or len(team) > 9):
        raise InvalidInput('"team" is not a whole number.', fields={"team": "no number"})
    return report_get(
        operator=operator,
        period=Period.of(given.get("from", "")[:20], given.get("to", "")[:20]),
        team_id=int(team) if team else None,
    )


def day_bars(report: Report) -> list[Bar]:
    """One bar a day."""
    most = max((number for _, number, _ in report.by_day), default=0) or 1
    step = WIDTH / max(1, len(report.by_day))
    return [
        Bar(
            x=round(at * step, 2),
            width=round(max(step - 2, 1), 2),
            y=round(HEIGHT * (1 - number / most), 2),
            height=round(HEIGHT * number / most, 2),
            bot_y=round(HEIGHT * (1 - bot / most), 2),
            bot_height=round(HEIGHT * bot / most, 2),
            title=f"{day:%d %b}: {number}, {bot} by the bot alone",
        )
        for at, (day, number, bot) in enumerate(report.by_day)
    ]


def report_payload(report: Report) -> dict[str, Any]:
    """A report as JSON."""
    yes, no = report.ratings
    under, broken = report.promises
    return {
        "from": report.period.first.isoformat(),
        "to": report.period.last.isoformat(),
        "conversations": report.conversations,
        "messages": report.messages,
        "automated": report.automated,
        "automation": report.automation,
        "by_day": [
            {"day": day.isoformat(), "conversations": number, "automated": bot}
            for day, number, bot in report.by_day
        ],
        "hand_over_reasons": [
            {"reason": reason, "conversations": number} for reason, number in report.reasons
        ],
        "first_response": asdict(report.first_response),
        "resolution": asdict(report.resolution),
        "promised_times": {"under": under, "broken": broken, "kept": report.kept},
        "satisfaction": {"yes": yes, "no": no, "satisfied": report.satisfied},
        "teams": [_row(row) for row in report.teams],
        "operators": [_row(row) for row in report.operators],
        "articles": [_row(row) for row in report.articles],
    }


def report_csv(report: Report, table: str) -> str:
    """One table of a report as CSV; raises ``InvalidInput`` for an unknown one."""
    rows: dict[str, list[Row]] = {
        "teams": report.teams,
        "operators": report.operators,
        "articles": report.articles,
        "days": [
            Row(day.isoformat(), {"conversations": number, "automated": bot})
            for day, number, bot in report.by_day
        ],
        "reasons": [Row(reason, {"conversations": n}) for reason, n in report.reasons],
    }
    if table not in rows:
        raise InvalidInput(
            f"A report has the tables {', '.join(rows)}.", fields={"table": "unknown"}
        )
    out = io.StringIO()
    writer = csv.writer(out)
    names = list(rows[table][0].values) if rows[table] else []
    writer.writerow([table.removesuffix("s"), *names])
    for row in rows[table]:
        writer.writerow([_safe(row.name), *(row.values[name] for name in names)])
    return out.getvalue()


def _row(row: Row) -> dict[str, Any]:
    return {"name": row.name} | {
        name.replace(" ", "_"): value for name, value in row.values.items()
    }


def _safe(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
