"""How a reader who was forgotten is known again: by a keyed hash of the reader's key alone."""

from __future__ import annotations

import uuid

from apps.core.traces import subject_hash
from apps.recommend.models import ForgetReceipt

_SALT = "apps.recommend.forgetting"


def subject_of(key: uuid.UUID) -> str:
    """What names a reader in a receipt and cannot be turned back."""
    return subject_hash(_SALT, str(key))


def was_forgotten(key: uuid.UUID) -> bool:
    return ForgetReceipt.objects.filter(subject=subject_of(key)).exists()
