"""Words for a person that are put together where nobody's language is known, or kept for later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext


class Wording(str):
    """English words that can be said in another language, too: a literal (``make words`` finds it),
    and what it says of the case at hand as ``%(name)s`` by keyword.
    """

    __slots__ = ("literal", "named")
    literal: str
    named: dict[str, object]

    def __new__(cls, literal: str, /, **named: object) -> Wording:
        made = super().__new__(cls, literal % named if named else literal)
        made.literal, made.named = literal, named
        return made

    @classmethod
    def of(cls, parts: Mapping[str, Any]) -> Wording:
        """The words that :meth:`parts` were made of."""
        named = {
            name: cls.of(value) if isinstance(value, Mapping) else value
            for name, value in parts["named"].items()
        }
        return cls(parts["literal"], **named)

    def parts(self) -> dict[str, Any]:
        """The words as JSON, to be said later."""
        named = {
            name: value.parts() if isinstance(value, Wording) else value
            for name, value in self.named.items()
        }
        return {"literal": self.literal, "named": named}

    def said(self) -> str:
        """The words in the language of the moment."""
        if not self.named:
            return said(self.literal)
        return gettext(self.literal) % {
            name: value.said() if isinstance(value, Wording) else value
            for name, value in self.named.items()
        }


def said(words: str) -> str:
    """``words`` in the language of the moment; as they are where no translation is known."""
    if isinstance(words, Wording):
        return words.said()
    return gettext(words) if words else ""
