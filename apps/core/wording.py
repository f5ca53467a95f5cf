"""Words for a person in the language of the moment."""

from __future__ import annotations

from django.utils.translation import gettext

from ml.wording import Wording


def said(words: str) -> str:
    """``words`` in the language of the moment; as they are where no translation is known."""
    if not isinstance(words, Wording):
        return gettext(words) if words else ""
    if not words.named:
        return said(words.literal)
    return gettext(words.literal) % {
        name: said(value) if isinstance(value, Wording) else value
        for name, value in words.named.items()
    }
