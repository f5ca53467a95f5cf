"""Parts of the news on which a candidate of a model of sentiment or topic may fare worse."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apps.market.rescoring import TOPIC_TASK
from apps.modelhub.gate_slices import Entities, register_slice
from ml.data.targeting import OTHER, TARGETED_TASK
from ml.evaluation.slices import negation_groups

_ORGANISATION = "ORG"
_AMOUNT = re.compile(r"\d")


def register() -> None:
    for task in ("sentiment", TARGETED_TASK):
        register_slice(task, "negation", _negation)
        register_slice(task, "figures", _figures)
    register_slice(TOPIC_TASK, "figures", _figures)
    for task in ("sentiment", TOPIC_TASK):
        register_slice(task, "companies", _named)
    register_slice(TARGETED_TASK, "companies", _marked)


def _negation(texts: Sequence[str], entities: Entities | None) -> list[str]:
    return negation_groups(texts)


def _figures(texts: Sequence[str], entities: Entities | None) -> list[str]:
    """Whether the verdict hangs on numbers, as in results and forecasts."""
    return ["with figures" if _AMOUNT.search(text) else "without" for text in texts]


def _named(texts: Sequence[str], entities: Entities | None) -> list[str]:
    """How many organisations a text names."""
    if entities is None:
        return [""] * len(texts)
    names = [{one.text for one in found if one.label == _ORGANISATION} for found in entities]
    return [_companies(len(one)) for one in names]


def _marked(texts: Sequence[str], entities: Entities | None) -> list[str]:
    """Whether another company stands beside the target."""
    return [_companies(1 + (OTHER in text)) for text in texts]


def _companies(number: int) -> str:
    return "two companies or more" if number > 1 else "one company" if number else "none"
