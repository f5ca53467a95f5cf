"""Financial tweets that are about one company, found by its cashtag or its name at their head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ml.data.readers import read_classification
from ml.data.splits import drop_repeats, text_key
from ml.data.targeting import TargetedText
from ml.data.text import normalise

_CASHTAG = re.compile(r"(?<!\w)\$[A-Z]{1,5}\b")
_LEADING_NAME = re.compile(r"([A-Z][\w.&-]*(?: (?:[A-Z][\w.&-]*|&)){0,3})(?='s | [a-z])")
# fmt: off
_NOT_NAMES = frozenset({
    "A", "All", "An", "Analyst", "Analysts", "And", "Another", "Are", "As", "At", "Best",
    "Breaking", "But", "Buy", "Can", "Correction", "Could", "Do", "Does", "Early", "Earnings",
    "Edited", "First", "Five", "For", "From", "Futures", "Here", "Here's", "How", "I", "If", "In",
    "Investors", "Is", "It", "It's", "Just", "Live", "More", "Most", "My", "New", "No", "Not",
    "Now", "On", "One", "Or", "Our", "Premarket", "Report", "Reports", "Sell", "Shares", "Should",
    "So", "Some", "Stock", "Stocks", "That", "The", "There", "These", "This", "Three", "Today",
    "Top", "Traders", "Two", "Update", "Watch", "We", "What", "When", "Where", "Who", "Why",
    "Will", "With", "You", "Your",
})
# fmt: on


def tweets_about_one(path: Path) -> Iterator[TargetedText]:
    """Tweets with one cashtag, or with none and a name at their head: their label is its label."""
    for row in drop_repeats(list(read_classification(path)), key=lambda row: text_key(row.text)):
        text = normalise(row.text)
        tags = set(_CASHTAG.findall(text))
        leading = _LEADING_NAME.match(text)
        if leading and leading.group(1).split()[0] not in _NOT_NAMES and "$" not in text:
            tags = {leading.group(1)}
        if len(tags) == 1:
            yield TargetedText(text, {tags.pop(): row.label}, row.row)
