"""All detectors over one text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import partial

from ml.entities.accounts import cards, ibans
from ml.entities.amounts import amounts
from ml.entities.contacts import emails, orders, phones
from ml.entities.dates import dates
from ml.entities.spans import Detected, DetectedKind, without_overlaps

PERSONAL: tuple[DetectedKind, ...] = ("email", "iban", "card", "phone")
"""Kinds that tell who somebody is, or open their purse."""

KINDS: tuple[DetectedKind, ...] = (*PERSONAL, "order", "date", "amount")
"""All kinds; where spans overlap, the earlier kind stands."""

Detector = Callable[[str], Iterable[Detected]]


def detect(
    text: str,
    *,
    today: date,
    kinds: Collection[DetectedKind] = KINDS,
    region: str = "GB",
) -> list[Detected]:
    """What of ``kinds`` stands in ``text``, in order and without overlaps.

    ``today`` is the day from which "yesterday" is counted, ``region`` (ISO 3166-1) the country of
    phone numbers without a code.
    """
    detectors: dict[DetectedKind, Detector] = {
        "email": emails,
        "iban": ibans,
        "card": cards,
        "phone": partial(phones, region=region),
        "order": orders,
        "date": partial(dates, today=today),
        "amount": amounts,
    }
    return without_overlaps(list(detectors[kind](text)) for kind in KINDS if kind in kinds)
