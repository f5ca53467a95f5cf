"""Writes of who is recommended to: making, joining and forgetting readers, and their wishes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import numpy as np
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from apps.accounts.services import audit_record
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.events import group_name
from apps.core.models import Event, Stream
from apps.recommend.models import (
    Interaction,
    Preference,
    Reader,
    external_key,
    reader_stream,
    vector_to_bytes,
)
from apps.recommend.services.catalogue import ENCODER
from apps.recommend.services.events import dial_changed, wish_changed
from apps.recommend.wish import Wish, parse_wish
from ml.types import Embedding

MAX_WISH = 300


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was deleted when a reader asked to be forgotten."""

    number: str
    at: datetime
    deleted: dict[str, int]


def reader_for_user(*, user: Any) -> Reader:
    """The reader of a signed-in person, made at first use."""
    return Reader.objects.get_or_create(user=user)[0]


def reader_for_key(*, key: uuid.UUID) -> Reader:
    """The reader of a visitor, made at the first thing that the visitor does."""
    return Reader.objects.get_or_create(key=key)[0]


def reader_for_external(*, external_id: str, simulated: bool = False) -> Reader:
    """The reader that another system knows as ``external_id``."""
    return Reader.objects.get_or_create(
        external_id=external_id,
        defaults={"key": external_key(external_id), "simulated": simulated},
    )[0]


def reader_join(*, key: uuid.UUID, user: Any) -> Reader:
    """Hand what a visitor did to the person who has just signed in, and return their reader.

    A person without a history takes over the visitor's row; otherwise the two are merged. What
    both hold (an event id, a preference) is kept as the person has it.
    """
    with transaction.atomic():
        # Locking the person lets two sign-ins at once join one after the other.
        get_user_model().objects.select_for_update().get(pk=user.pk)
        visitor = Reader.objects.filter(key=key, user=None, external_id=None).first()
        own = Reader.objects.filter(user=user).first()
        if visitor is None:
            return own or Reader.objects.create(user=user)
        if own is None:
            visitor.user = user
            visitor.save(update_fields=["user"])
            return visitor
        _move(visitor, own)
        _erase(visitor)
        wish_changed(reader=own)
    return own


def _move(visitor: Reader, own: Reader) -> None:
    held = own.interactions.values("event_id")
    visitor.interactions.exclude(event_id__in=held).update(reader=own)
    known = set(own.preferences.values_list("subject", "value"))
    for preference in visitor.preferences.all():
        if (preference.subject, preference.value) not in known:
            preference.reader = own
            preference.save(update_fields=["reader"])
    if visitor.familiarity and not own.familiarity:
        own.familiarity = visitor.familiarity
        own.save(update_fields=["familiarity"])
    if visitor.wish and not own.wish:
        own.wish, own.wish_vectors = visitor.wish, visitor.wish_vectors
        own.wish_encoder = visitor.wish_encoder
        own.save(update_fields=["wish", "wish_vectors", "wish_encoder"])


def reader_forget(*, reader: Reader, actor: Any | None = None) -> Receipt:
    """Delete a reader with all that is known of them, and say what was deleted.

    The reader's open pages are told outside the log, since the log of their stream goes too.
    """
    with transaction.atomic():
        deleted = _erase(reader)
        if actor is not None and actor.is_authenticated:
            audit_record(actor=actor, action="reader.forgotten", deleted=deleted)
        stream = reader_stream(reader.key)
        transaction.on_commit(lambda: _tell_forgotten(stream), robust=True)
    return Receipt(uuid.uuid4().hex[:12].upper(), timezone.now(), deleted)


def _erase(reader: Reader) -> dict[str, int]:
    stream = reader_stream(reader.key)
    events, _ = Event.objects.filter(stream=stream).delete()
    Stream.objects.filter(name=stream).delete()
    counts = {
        "interactions": Interaction.objects.filter(reader=reader).delete()[0],
        "preferences": Preference.objects.filter(reader=reader).delete()[0],
        "wishes": int(bool(reader.wish)),
        "events": events,
    }
    Reader.objects.filter(pk=reader.pk).delete()
    return counts


def _tell_forgotten(stream: str) -> None:
    layer = get_channel_layer()
    if layer is not None:
        message = {"type": "reader.forgotten", "stream": stream}
        async_to_sync(layer.group_send)(group_name(stream), message)


def wish_texts(sentence: str) -> tuple[str, list[str]]:
    """A cleaned sentence and the texts whose vectors :func:`wish_store` needs, in order.

    Raises ``InvalidInput`` when it is too long or says nothing.
    """
    sentence = " ".join(sentence.replace("\x00", " ").split())
    if len(sentence) > MAX_WISH:
        raise InvalidInput(f"Please say it in at most {MAX_WISH} characters.", code="wish_too_long")
    wish = parse_wish(sentence)
    if not (wish.wanted or wish.unwanted):
        raise InvalidInput("Say what you would like to read.", code="wish_empty")
    return sentence, _texts(wish)


def _texts(wish: Wish) -> list[str]:
    return [text for text in (wish.wanted, *wish.unwanted) if text]


def wish_store(*, reader: Reader, sentence: str, embeddings: list[Embedding]) -> None:
    """Keep the sentence with the vectors of its parts and tell the reader's open pages."""
    with transaction.atomic():
        reader.wish = sentence
        reader.wish_vectors = vector_to_bytes(np.stack([part.vector for part in embeddings]))
        reader.wish_encoder = embeddings[0].version
        reader.save(update_fields=["wish", "wish_vectors", "wish_encoder"])
        wish_changed(reader=reader)


def wish_set(*, reader: Reader, sentence: str) -> None:
    """:func:`wish_store` with the inference included, for callers that may block."""
    sentence, texts = wish_texts(sentence)
    embeddings = cast(list[Embedding], gateway.predict(ENCODER, texts))
    wish_store(reader=reader, sentence=sentence, embeddings=embeddings)


def dial_set(*, reader: Reader, value: object) -> None:
    """Lead the reader's page from the surprising (-1) to the familiar (1); 0 is as it comes.

    Raises ``InvalidInput`` for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
        raise InvalidInput(
            "The dial goes from -1 (surprising) to 1 (familiar).", code="dial_invalid"
        )
    with transaction.atomic():
        reader.familiarity = float(value)
        reader.save(update_fields=["familiarity"])
        dial_changed(reader=reader)


def wish_clear(*, reader: Reader) -> None:
    with transaction.atomic():
        reader.wish, reader.wish_vectors, reader.wish_encoder = "", None, ""
        reader.save(update_fields=["wish", "wish_vectors", "wish_encoder"])
        wish_changed(reader=reader)
