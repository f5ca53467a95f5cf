"""Names of organisations in a text that no company of the registry is known by."""

from __future__ import annotations

from collections.abc import Sequence

from ml.linking.linker import Mention
from ml.linking.names import name_keys, without_legal_form
from ml.linking.vocabulary import ACRONYMS
from ml.types import Entity

LEAST_SCORE = 0.6
"""The tagger's least certainty of a name that is worth an analyst's time."""


def unlinked_names(entities: Sequence[Entity], links: Sequence[Mention]) -> tuple[str, ...]:
    """The names tagged as organisations that overlap no link, each once, in order.

    Left out are names of one or two letters, acronyms of the news (GDP, FBI), names in lower case
    and those that the tagger doubts.
    """
    names: dict[str, str] = {}
    for entity in entities:
        if entity.label != "ORG" or entity.score < LEAST_SCORE or not _worth_asking(entity.text):
            continue
        if any(link.start < entity.end and entity.start < link.end for link in links):
            continue
        name = entity.text.strip(" .,'\u2019")
        names.setdefault(unlinked_key(name), name)
    return tuple(names.values())


def unlinked_key(name: str) -> str:
    """How names are compared: case, accents, punctuation and the form in law do not count."""
    keys = name_keys(name)
    return " ".join(without_legal_form(keys)) if keys else ""


def _worth_asking(text: str) -> bool:
    letters = sum(map(str.isalpha, text))
    return letters > 2 and text[0].isupper() and text not in ACRONYMS and bool(unlinked_key(text))
