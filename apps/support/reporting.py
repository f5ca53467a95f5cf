"""Reports in the shapes in which they leave: JSON, CSV, and the geometry of the chart."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from apps.accounts.models import User
from apps.core.errors import InvalidInput
from apps.support.models import Conversation
from apps.support.selectors.report_cases import Period
from apps.support.selectors.report_parts import part_list
from apps.support.selectors.reports import Report, Row, report_get

WIDTH, HEIGHT = 900.0, 120.0
SPARK_WIDTH, SPARK_HEIGHT = 96.0, 24.0
_LONGEST_NAME = 200
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
    day: str


@dataclass(frozen=True, slots=True)
class Asking:
    """What a query asks a report of: ``from``, ``to`` and ``team``."""

    period: Period
    team_id: int | None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Asking:
        """Raises ``InvalidInput`` that names what is wrong."""
        team = given.get("team", "")
        if team and (not team.isdecimal() or len(team) > 9):
            raise InvalidInput('"team" is not a whole number.', fields={"team": "no number"})
        return cls(
            Period.of(given.get("from", "")[:20], given.get("to", "")[:20]),
            int(team) if team else None,
        )

    def as_query(self) -> dict[str, str]:
        """As :meth:`of` reads it."""
        first, last = self.period.first.isoformat(), self.period.last.isoformat()
        team = {} if self.team_id is None else {"team": str(self.team_id)}
        return {"from": first, "to": last} | team


def report_of(given: Mapping[str, str], *, operator: User) -> Report:
    """The report that a query asks for; raises ``InvalidInput``."""
    asking = Asking.of(given)
    return report_get(operator=operator, period=asking.period, team_id=asking.team_id)


def part_of(given: Mapping[str, str], *, operator: User) -> list[Conversation]:
    """The conversations behind the number that a query names with ``part`` and ``name``; raises
    ``InvalidInput``."""
    asking = Asking.of(given)
    return part_list(
        operator=operator,
        period=asking.period,
        team_id=asking.team_id,
        part=given.get("part", ""),
        name=given.get("name", "")[:_LONGEST_NAME],
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
            day=day.isoformat(),
        )
        for at, (day, number, bot) in enumerate(report.by_day)
    ]


def spark_points(numbers: Sequence[int]) -> str:
    """The points of a small line over ``numbers``, as SVG has them; a flat line for one number."""
    row = list(numbers) if len(numbers) > 1 else [*numbers, *numbers]
    most = max(row, default=0) or 1
    step = SPARK_WIDTH / max(1, len(row) - 1)
    top, room = 2.0, SPARK_HEIGHT - 4
    points = ((at * step, top + room * (1 - number / most)) for at, number in enumerate(row))
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


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
        "deflected": report.deflected,
        "deflection": report.deflection,
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
        "matters": [_row(row) | {"over_time": list(row.over_time)} for row in report.matters],
        "slices": [day.isoformat() for day in report.slices],
    }


def report_csv(report: Report, table: str) -> str:
    """One table of a report as CSV; raises ``InvalidInput`` for an unknown one."""
    rows: dict[str, list[Row]] = {
        "teams": report.teams,
        "operators": report.operators,
        "articles": report.articles,
        "matters": [
            Row(
                row.name,
                row.values
                | {
                    f"from {day}": number
                    for day, number in zip(report.slices, row.over_time, strict=True)
                },
            )
            for row in report.matters
        ],
        "days": [
            Row(day.isoformat(), {"conversations": number, "automated": bot})
            for day, number, bot in report.by_day
        ],
        "reasons": [Row(reason, {"conversations": n}) for reason, n in report.reasons],
    }
    if table not in rows:
        raise InvalidInput(
            "A report has the tables %(rows)s.", fields={"table": "unknown"}, rows=", ".join(rows)
        )
    out = io.StringIO()
    writer = csv.writer(out)
    names = list(rows[table][0].values) if rows[table] else []
    writer.writerow([table.removesuffix("s"), *names])
    for row in rows[table]:
        writer.writerow([_safe(row.name), *(row.values[name] for name in names)])
    return out.getvalue()


def _row(row: Row) -> dict[str, Any]:
    named = {"name": row.name} | ({"key": row.key} if row.key else {})
    return named | {name.replace(" ", "_"): value for name, value in row.values.items()}


def _safe(text: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
