"""The event topics that the topic model tells apart, and which of them are risky."""

from __future__ import annotations

from django.utils.translation import gettext_noop

TOPICS: tuple[str, ...] = (
    gettext_noop("Analyst Update"),
    gettext_noop("Company | Product News"),
    gettext_noop("Currencies"),
    gettext_noop("Dividend"),
    gettext_noop("Earnings"),
    gettext_noop("Energy | Oil"),
    gettext_noop("Fed | Central Banks"),
    gettext_noop("Financials"),
    gettext_noop("General News | Opinion"),
    gettext_noop("Gold | Metals | Materials"),
    gettext_noop("IPO"),
    gettext_noop("Legal | Regulation"),
    gettext_noop("M&A | Investments"),
    gettext_noop("Macro"),
    gettext_noop("Markets"),
    gettext_noop("Personnel Change"),
    gettext_noop("Politics"),
    gettext_noop("Stock Commentary"),
    gettext_noop("Stock Movement"),
    gettext_noop("Treasuries | Corporate Debt"),
)

RISKY: frozenset[str] = frozenset(
    {"Legal | Regulation", "Treasuries | Corporate Debt", "Personnel Change", "Politics"}
)
"""Topics whose bad news tends to have a tail: lawsuits, debt, departures, sanctions."""

ORDINARY_WEIGHT = 0.7


def risk(negative: float, topic: str) -> float:
    """The risk that a score carries, in [0, 1].

    It is ``negative``, the calibrated probability that the news is bad, in full for a risky topic
    and times 0.7 for any other: an equally bad headline about a lawsuit outranks one about sales.
    """
    return negative * (1.0 if topic in RISKY else ORDINARY_WEIGHT)
