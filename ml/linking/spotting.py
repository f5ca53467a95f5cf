"""Tells quickly which texts could name one of a few companies, before any of them is read."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from ml.linking.names import name_keys, short_form, spellings, tokens_of, without_legal_form


class NameSpotter:
    """Finds the texts that hold one of some names or tickers, as the linker compares them.

    It lets through every text in which :class:`ml.linking.linker.Linker` could link by one of them,
    and some in which it would not. ``tickers`` count in capitals, or in any case where they are
    marked as such (``$T``, ``NYSE: T``, ``(T)``).
    """

    def __init__(self, names: Iterable[str], tickers: Iterable[str] = ()) -> None:
        self._forms: dict[str, set[tuple[str, ...]]] = defaultdict(set)
        for name in names:
            plain = without_legal_form(keys) if (keys := name_keys(name)) else ()
            # The short form is part of all others.
            for form in spellings(short_form(plain) or plain) if plain else ():
                self._forms[form[0]].add(form)
        marked = "|".join(sorted({re.escape(ticker) for ticker in tickers if ticker}))
        bare = rf"(?<![\w&'-])(?:{marked})(?![\w&'-])"
        self._tickers = re.compile(rf"{bare}|[$:(<\[]\s*(?i:{marked})\b") if marked else None

    def is_in(self, text: str) -> bool:
        """Whether one of the names or tickers stands in ``text``."""
        if self._tickers is not None and self._tickers.search(text):
            return True
        if not self._forms:
            return False
        keys = {token.key for token in tokens_of(text)}
        return any(
            keys.issuperset(form)
            for first in keys & self._forms.keys()
            for form in self._forms[first]
        )
