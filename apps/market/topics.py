"""The event topics that the topic model tells apart, and which of them are risky."""

from __future__ import annotations

TOPICS: tuple[str, ...] = (
    "Analyst Update",
    "Company | Product News",
    "Currencies",
    "Dividend",
    "Earnings",
    "Energy | Oil",
    "Fed | Central Banks",
    "Financials",
    "General News | Opinion",
    "Gold | Metals | Materials",
    "IPO",
    "Legal | Regulation",
    "M&A | Investments",
    "Macro",
    "Markets",
    "Personnel Change",
    "Politics",
    "Stock Commentary",
    "Stock Movement",
    "Treasuries | Corporate Debt",
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
