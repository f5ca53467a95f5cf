"""Words for a person that are put together where nobody's language is known, or kept for later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


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
        return {
            "literal": self.literal,
            "named": {name: _part(value) for name, value in self.named.items()},
        }


def _part(value: object) -> Any:
    if isinstance(value, Wording):
        return value.parts()
    return value if isinstance(value, str | int | float | None) else str(value)
