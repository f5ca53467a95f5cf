"""Parts of held-out rows in words, for the pages; files and the API keep them as they are."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

_OWN_WORDS = ("label", "language", "source")
"""Slices whose parts are named by the data, so that no part of them is translated."""

_PARTS = {
    "1-5 words": gettext_lazy("1-5 words"),
    "6-10 words": gettext_lazy("6-10 words"),
    "11-20 words": gettext_lazy("11-20 words"),
    "21-40 words": gettext_lazy("21-40 words"),
    "over 40 words": gettext_lazy("over 40 words"),
    "no entity": gettext_lazy("no entity"),
    "1 entity": gettext_lazy("1 entity"),
    "2 entities": gettext_lazy("2 entities"),
    "3 or more entities": gettext_lazy("3 or more entities"),
    "with a negation": gettext_lazy("with a negation"),
    "with figures": gettext_lazy("with figures"),
    "without": gettext_lazy("without"),
    "one company": gettext_lazy("one company"),
    "two companies or more": gettext_lazy("two companies or more"),
    "none": gettext_lazy("none"),
    "one at most": gettext_lazy("one at most"),
    "two questions or more": gettext_lazy("two questions or more"),
}


def part_name(part: str, name: str) -> str:
    """A part of the slice ``name``, in words."""
    return part if name in _OWN_WORDS else str(_PARTS.get(part, part))
