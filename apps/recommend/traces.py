"""Looks for what is left of a reader who was forgotten: in tables, streams, memory and files.

What to look for is handed to the reader alone, signed; nothing of it is kept here.
"""

from __future__ import annotations

import mmap
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core import signing
from django.utils import timezone

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.models import Event, Stream
from apps.core.traces import LEAST_MARK, traces_of
from apps.modelhub.models import LabelledExample
from apps.recommend.behaviour import behaviour_older_than
from apps.recommend.models import ForgetReceipt, Reader
from apps.recommend.services.catalogue import ENCODER
from apps.recommend.subjects import subject_of

APP = "discover"
"""The name of Discover among the corrections of the model hub."""
_SALT = "recommend.receipt"
_FOLDERS = ("recommend", "uploads")


@dataclass(frozen=True, slots=True)
class Traces:
    """What a reader would be found by. ``words`` are digests of the parts of their sentence."""

    key: uuid.UUID
    pk: int
    user: int | None
    external_id: str
    words: tuple[str, ...]

    @property
    def marks(self) -> tuple[str, ...]:
        """The texts that name this reader and nobody else, wherever they occur."""
        named = (self.external_id,) if len(self.external_id) >= LEAST_MARK else ()
        return (str(self.key), self.key.hex, *named)


@dataclass(frozen=True, slots=True)
class Proof:
    """What a look everywhere found. ``tables`` maps each table that was read to its traces.

    ``fitted`` is 1 while the links between items are those fitted to what the reader did too.
    """

    receipt: ForgetReceipt
    at: datetime
    tables: dict[str, int]
    events: int
    cached: int
    files: tuple[str, ...]
    fitted: int

    @property
    def rows(self) -> int:
        return sum(self.tables.values())

    @property
    def is_clean(self) -> bool:
        return not (self.rows or self.events or self.cached or self.files or self.fitted)


def sealed(looked_for: Traces, receipt: ForgetReceipt) -> str:
    """What to look for as a text for the reader to keep, which only this installation reads."""
    held = [
        receipt.pk,
        str(looked_for.key),
        looked_for.pk,
        looked_for.user,
        looked_for.external_id,
        list(looked_for.words),
    ]
    return signing.dumps(held, salt=_SALT, compress=True)


def proof_of(seal: str) -> Proof:
    """Look for what :func:`sealed` holds, now. Raises ``InvalidInput`` for another text."""
    try:
        number, key, pk, user, external_id, words = signing.loads(seal, salt=_SALT)
        looked_for = Traces(uuid.UUID(key), pk, user, external_id, tuple(words))
        receipt = ForgetReceipt.objects.get(pk=number, subject=subject_of(looked_for.key))
    except (signing.BadSignature, ValueError, TypeError, ForgetReceipt.DoesNotExist) as error:
        raise InvalidInput("This is no receipt of ours.", code="receipt_unknown") from error
    return look(looked_for, receipt)


def look(looked_for: Traces, receipt: ForgetReceipt) -> Proof:
    found = traces_of(Reader, looked_for.pk, looked_for.marks)
    if looked_for.user is not None:
        examples = LabelledExample.objects.filter(app=APP, actor_id=looked_for.user)
        found[LabelledExample._meta.label] += examples.count()
    streams = [found.pop(model._meta.label) for model in (Event, Stream)]
    contributed = bool(receipt.counts.get("interactions"))
    return Proof(
        receipt=receipt,
        at=timezone.now(),
        tables=dict(sorted(found.items())),
        events=sum(streams),
        cached=_cached(looked_for.words),
        files=tuple(path.name for path in _files_naming(looked_for.marks)),
        fitted=int(contributed and behaviour_older_than(receipt.created_at)),
    )


def _cached(words: Sequence[str]) -> int:
    """Vectors of the reader's sentence that this process still holds."""
    held = gateway.cached_texts(ENCODER) if words else []
    return sum(text_digest(text) in words for text in held)


def text_digest(text: str) -> str:
    """What a text that a model was asked is looked for by."""
    return sha256(text.encode()).hexdigest()[:16]


def files_clear(marks: Sequence[str]) -> int:
    """Delete the lists of refused rows that name the reader; how many."""
    found = [path for path in _files_naming(marks) if path.name.endswith(".errors.csv")]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _files_naming(marks: Sequence[str]) -> Iterator[Path]:
    """The files of Discover, uploads included, with one of ``marks`` in them or in their name."""
    wanted = [mark.encode() for mark in marks]
    for folder in _FOLDERS:
        for path in sorted((Path(settings.VAR_DIR) / folder).rglob("*")):
            if path.is_file() and (_holds(path, wanted) or any(m in path.name for m in marks)):
                yield path


def _holds(path: Path, wanted: Sequence[bytes]) -> bool:
    with path.open("rb") as file:
        if not path.stat().st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return any(content.find(mark) >= 0 for mark in wanted)


def proof_payload(proof: Proof, seal: str) -> dict[str, Any]:
    """A receipt with what a look just now found, as JSON; ``check`` repeats the look."""
    receipt = proof.receipt
    return {
        "receipt": receipt.number,
        "at": receipt.created_at.isoformat(),
        "subject": receipt.subject,
        "deleted": receipt.counts,
        "left": receipt.left,
        "check": seal,
        "proof": {
            "at": proof.at.isoformat(),
            "clean": proof.is_clean,
            "rows": proof.rows,
            "events": proof.events,
            "cached": proof.cached,
            "files": list(proof.files),
            "fitted": proof.fitted,
            "tables": proof.tables,
        },
    }
