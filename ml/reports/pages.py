"""Report pages from templates."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ml.reports import charts

_TEMPLATES = Path(__file__).parent / "templates"
_OPTIONAL: dict[str, Any] = {"against": None, "slices": {}, "robustness": [], "fairness": []}


def render(page: str, content: dict[str, Any]) -> str:
    """The page ``<page>.html`` about ``content``, all text in it escaped."""
    template = _environment().get_template(f"{page}.html")
    made_at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return template.render(
        report=_OPTIONAL | content, curves=content.get("curves", {}), made_at=made_at
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # The style sheet is our own file, and no text of a data set gets into it.
    style = (_TEMPLATES / "report.css").read_text(encoding="utf-8")
    environment.globals |= {"charts": charts, "style": Markup(style)}  # noqa: S704
    environment.filters |= {
        "percent": percent,
        "points": points,
        "number": number,
        "words": words,
        "interval": interval,
    }
    return environment


def percent(share: float | None) -> str:
    """0.9374 as ``93.7 %``; a dash for nothing."""
    return "\u2013" if share is None else f"{share * 100:.1f}\u00a0%"


def points(change: float | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    if change is None:
        return "\u2013"
    return f"{change * 100:+.1f}".replace("-", "\u2212")


def number(value: float | int | None, digits: int = 3) -> str:
    """Integers in groups of three, other numbers to so many digits."""
    if value is None:
        return "\u2013"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}f}"


def words(name: str) -> str:
    """An identifier as words."""
    return name.replace("_", " ")


def interval(ends: tuple[float, float] | list[float]) -> str:
    """Two shares as ``91.2 to 95.0 %``."""
    return f"{ends[0] * 100:.1f} to {ends[1] * 100:.1f}\u00a0%"
