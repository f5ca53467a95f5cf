"""Personal data in a text: what the rules find, and the names of persons that a tagger found."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import date

from ml.entities.detection import KINDS as RULED
from ml.entities.detection import detect
from ml.types import Entity, PersonalData, PersonalSpan, Tagging

PII_TASK = "pii"
"""What commands and the API call this; it is made of rules and of the task ``ner``."""

TAGGER = "ner"
NAME = "name"
KINDS: tuple[str, ...] = (NAME, *RULED)

LEAST_NAME_SCORE = 0.5
_PERSON = ("PER", "PERSON")
_TITLE = re.compile(r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam)\b\.?\s+(?=\S)", re.IGNORECASE)


def personal_data(
    text: str,
    tagging: Tagging,
    *,
    today: date,
    kinds: Collection[str] = KINDS,
    region: str = "GB",
) -> PersonalData:
    """What of ``kinds`` stands in ``text``, in order and without overlaps.

    What a rule finds has the score 1, and stands where it overlaps a name; a name has the score of
    the ``tagging``, of the same text, and needs :data:`LEAST_NAME_SCORE`. ``today`` and ``region``
    as of :func:`ml.entities.detection.detect`.
    """
    wanted = [kind for kind in RULED if kind in kinds]
    found = [
        PersonalSpan(one.kind, one.text, one.start, one.end, one.value, 1.0)
        for one in detect(text, today=today, kinds=wanted, region=region)
    ]
    if NAME in kinds:
        found += [
            _name(entity)
            for entity in tagging.entities
            if entity.label in _PERSON
            and entity.score >= LEAST_NAME_SCORE
            and not any(entity.start < one.end and one.start < entity.end for one in found)
        ]
    spans = tuple(sorted(found, key=lambda one: one.start))
    return PersonalData(spans, tagging.version, tagging.truncated)


def masked(text: str, spans: Sequence[PersonalSpan]) -> str:
    """The text with each span, in order and without overlaps, replaced by ``[kind]``."""
    for span in reversed(spans):
        text = f"{text[: span.start]}[{span.kind}]{text[span.end :]}"
    return text


def _name(entity: Entity) -> PersonalSpan:
    """The entity as a name, without a title before it."""
    title = _TITLE.match(entity.text)
    cut = title.end() if title else 0
    name = entity.text[cut:]
    start = entity.start + cut
    return PersonalSpan(NAME, name, start, entity.end, " ".join(name.split()), entity.score)
