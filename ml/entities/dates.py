"""Days, weeks and months, named or counted from today."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta

from ml.entities.spans import Detected, plain_letters

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "a couple of": 2, "couple of": 2,
}  # fmt: skip
_MONTH = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?P<weekday>mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_DAY = r"(?P<day>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_COUNT = r"(?P<count>\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"
_UNIT = r"(?P<unit>day|week|month|year)s?"

Resolve = Callable[[re.Match[str], date], str | None]


def dates(text: str, today: date) -> Iterator[Detected]:
    """Dates in ``text`` as ISO 8601, seen from ``today``.

    Numbers are read day first unless only month first makes a date. A day without a year is the
    nearest one; a bare weekday is the last one, since customers mostly tell what has happened.
    """
    taken: list[tuple[int, int]] = []
    plain = plain_letters(text)
    for pattern, resolve in _RULES:
        for match in pattern.finditer(plain):
            start, end = match.span()
            if any(start < known_end and known_start < end for known_start, known_end in taken):
                continue
            try:
                value = resolve(match, today)
            except (OverflowError, ValueError):  # before the first year or after the last
                continue
            if value is not None:
                taken.append((start, end))
                yield Detected("date", text[start:end], start, end, value)


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _iso(match: re.Match[str], today: date) -> str | None:
    return _day(int(match["year"]), int(match["month"]), int(match["day"]))


def _numeric(match: re.Match[str], today: date) -> str | None:
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    year += 2000 if year < 100 else 0
    return _day(year, second, first) or _day(year, first, second)


def _named(match: re.Match[str], today: date) -> str | None:
    month, day = _MONTHS.index(match["month"][:3].lower()) + 1, int(match["day"])
    if match["year"]:
        return _day(int(match["year"]), month, day)
    days = [_day(year, month, day) for year in range(today.year - 1, today.year + 2)]
    known = [date.fromisoformat(value) for value in days if value]
    return min(known, key=lambda value: abs(value - today)).isoformat() if known else None


def _word(match: re.Match[str], today: date) -> str | None:
    words = match.group().lower()
    shift = {"yesterday": -1, "tomorrow": 1}.get(words.split()[-1], 0)
    return (today + timedelta(days=shift * (1 if len(words.split()) == 1 else 2))).isoformat()


def _counted(match: re.Match[str], today: date) -> str | None:
    written = match["count"].lower()
    count = int(written) if written.isdecimal() else _NUMBERS[written]
    if match.group().lower().endswith("ago"):
        count = -count
    unit = match["unit"].lower()
    if unit in ("day", "week"):
        return (today + timedelta(days=count * (7 if unit == "week" else 1))).isoformat()
    return _months_on(today, count * (12 if unit == "year" else 1)).isoformat()


def _months_on(day: date, months: int) -> date:
    """The same day so many months on, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _weekday(match: re.Match[str], today: date) -> str | None:
    wanted = _DAYS.index(match["weekday"][:3].lower())
    ahead = (wanted - today.weekday()) % 7
    which = (match["which"] or "").lower()
    if which in ("next", "this", "by", "until", "till", "coming"):
        return (today + timedelta(days=ahead or (0 if which == "this" else 7))).isoformat()
    return (today - timedelta(days=(7 - ahead) % 7 or 7)).isoformat()


def _period(match: re.Match[str], today: date) -> str | None:
    shift = {"last": -1, "this": 0, "next": 1}[match["which"].lower()]
    if match["unit"].lower() == "week":
        year, week, _ = (today + timedelta(weeks=shift)).isocalendar()
        return f"{year}-W{week:02}"
    if match["unit"].lower() == "month":
        return _months_on(today.replace(day=1), shift).isoformat()[:7]
    return str(today.year + shift)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w./-])(?:{pattern})(?![\w/-])", re.IGNORECASE)


_RULES: tuple[tuple[re.Pattern[str], Resolve], ...] = (
    (_compiled(rf"{_YEAR}[-/](?P<month>[01]?\d)[-/](?P<day>[0-3]?\d)"), _iso),
    (_compiled(r"(?P<first>[0-3]?\d)([/.-])(?P<second>[0-3]?\d)\2(?P<year>\d{4}|\d\d)"), _numeric),
    (_compiled(rf"{_DAY}(?:\s+of)?\s+{_MONTH}(?:,?\s+{_YEAR})?"), _named),
    (_compiled(rf"{_MONTH}\s+(?:the\s+)?{_DAY}(?:,?\s+{_YEAR})?"), _named),
    (
        _compiled(r"the day before yesterday|the day after tomorrow|yesterday|tomorrow|today"),
        _word,
    ),
    (_compiled(rf"{_COUNT}\s+{_UNIT}\s+ago"), _counted),
    (_compiled(rf"in\s+{_COUNT}\s+{_UNIT}"), _counted),
    (
        _compiled(rf"(?:(?P<which>last|this|next|coming|on|since|by|until|till)\s+){_WEEKDAY}"),
        _weekday,
    ),
    (_compiled(r"(?P<which>last|this|next)\s+(?P<unit>week|month|year)"), _period),
)
