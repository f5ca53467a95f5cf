"""Masks personal numbers before a message is stored: the original never reaches the database."""

from __future__ import annotations

from datetime import date

from django.conf import settings

from ml.entities.detection import detect
from ml.entities.spans import DetectedKind


def mask(text: str) -> tuple[str, list[DetectedKind]]:
    """The text with what is of ``SUPPORT_MASKED_KINDS`` replaced by ``[kind]``.

    Returns it with the kinds that were found, in their order. A number counts as a card's only
    with a right Luhn digit, as an IBAN only with right check digits, whatever stands around it.
    """
    kinds: list[DetectedKind] = settings.SUPPORT_MASKED_KINDS
    found = detect(text, today=date.min, kinds=kinds, region=settings.PHONE_REGION)
    masked = text
    for entity in reversed(found):
        masked = f"{masked[: entity.start]}[{entity.kind}]{masked[entity.end :]}"
    return masked, [entity.kind for entity in found]
