"""What the tape is asked for in an address, by its page and by the API."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from apps.core.errors import InvalidInput
from apps.market.forms import SECTOR, WATCHLIST
from apps.market.selectors.tape import TapeFilter

_WORDS = ("company", "sentiment", "topic", "text", "source")
_SHARES = ("least_risk", "least_novelty")
FILTERS = (*_WORDS, "group", *_SHARES)
"""The parameters of an address that narrow the tape."""


def read_filter(values: Mapping[str, Any], *, viewer: int | None) -> TapeFilter:
    """The filter of an address; the watchlist is that of the person ``viewer``.

    Raises ``InvalidInput`` that names a group that there is none of, or what is no share.
    """
    words = {name: str(values.get(name, "")).strip()[:200] for name in (*_WORDS, "group")}
    group = words["group"]
    if group and group != WATCHLIST and not group.startswith(SECTOR):
        problem = f"is neither '{WATCHLIST}' nor '{SECTOR}' and the name of one"
        raise InvalidInput("'group' %(problem)s.", fields={"group": problem}, problem=problem)
    risk, novelty = (_share(name, str(values.get(name, "")).strip()) for name in _SHARES)
    return TapeFilter(
        # The suggestions of the company field read "TICKER · Name".
        company=words["company"].partition(" · ")[0],
        sentiment=words["sentiment"],
        topic=words["topic"],
        text=words["text"],
        source=words["source"],
        sector=group.removeprefix(SECTOR) if group.startswith(SECTOR) else "",
        watched_by=viewer if group == WATCHLIST else None,
        least_risk=risk,
        least_novelty=novelty,
    )


def _share(name: str, value: str) -> float:
    try:
        share = float(value or 0)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise InvalidInput(
            "'%(name)s' must be a number from 0 to 1.", fields={name: "is no share"}, name=name
        )
    return share
