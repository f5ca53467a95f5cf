"""Writes of who is recommended to: making readers, and their wishes."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
from django.db import transaction

from apps.core.errors import InvalidInput, NotAllowed
from apps.recommend.index import snapshot
from apps.recommend.meaning import encode_for
from apps.recommend.models import (
    Reader,
    external_key,
    vector_to_bytes,
)
from apps.recommend.services.events import announce, wish_changed
from apps.recommend.subjects import was_forgotten
from apps.recommend.wish import Wish, parse_wish
from ml.types import Embedding

MAX_WISH = 300


def reader_for_user(*, user: Any) -> Reader:
    """The reader of a signed-in person, made at first use."""
    return Reader.objects.get_or_create(user=user)[0]


def reader_for_key(*, key: uuid.UUID) -> Reader:
    """The reader of a visitor, made at the first thing that the visitor does.

    Raises ``NotAllowed`` for one who was forgotten: a page that is still open must not bring them
    back.
    """
    if was_forgotten(key):
        raise NotAllowed("This reader was forgotten; load the page anew.", code="reader_forgotten")
    return Reader.objects.get_or_create(key=key)[0]


def reader_for_external(*, external_id: str, simulated: bool = False) -> Reader:
    """The reader that another system knows as ``external_id``."""
    return Reader.objects.get_or_create(
        external_id=external_id,
        defaults={"key": external_key(external_id), "simulated": simulated},
    )[0]


def wish_texts(sentence: str) -> tuple[str, list[str]]:
    """A cleaned sentence and the texts whose vectors :func:`wish_store` needs, in order.

    Raises ``InvalidInput`` when it is too long or says nothing.
    """
    sentence = " ".join(sentence.replace("\x00", " ").split())
    if len(sentence) > MAX_WISH:
        raise InvalidInput(
            "Please say it in at most %(max_wish)s characters.",
            code="wish_too_long",
            max_wish=MAX_WISH,
        )
    wish = parse_wish(sentence)
    if not (wish.wanted or wish.unwanted):
        raise InvalidInput("Say what you would like to read.", code="wish_empty")
    return sentence, wish_parts(wish)


def wish_parts(wish: Wish) -> list[str]:
    return [text for text in (wish.wanted, *wish.unwanted) if text]


def wish_store(
    *, reader: Reader, sentence: str, embeddings: list[Embedding], origin: str = ""
) -> None:
    """Keep the sentence with the vectors of its parts and tell the reader's open pages."""
    with transaction.atomic():
        reader.wish = sentence
        reader.wish_vectors = vector_to_bytes(np.stack([part.vector for part in embeddings]))
        reader.wish_encoder = embeddings[0].version
        reader.save(update_fields=["wish", "wish_vectors", "wish_encoder"])
        wish_changed(reader=reader, origin=origin)


def wish_set(*, reader: Reader, sentence: str) -> None:
    """:func:`wish_store` with the inference included, for callers that may block."""
    sentence, texts = wish_texts(sentence)
    embeddings = encode_for(snapshot(), texts)
    wish_store(reader=reader, sentence=sentence, embeddings=embeddings)


def wishes_refresh() -> int:
    """Read the wishes anew whose vectors are of another version than the catalogue's, which the
    pages pass over; how many. Raises ``Problem`` while the models are away."""
    catalogue = snapshot()
    behind = Reader.objects.filter(wish_vectors__isnull=False).exclude(
        wish_encoder=catalogue.encoder
    )
    done = 0
    for reader in behind.iterator() if catalogue.encoder else ():
        embeddings = encode_for(catalogue, wish_parts(parse_wish(reader.wish)))
        vectors = vector_to_bytes(np.stack([part.vector for part in embeddings]))
        # Of this very wish alone: the reader may have changed it meanwhile.
        done += Reader.objects.filter(pk=reader.pk, wish=reader.wish).update(
            wish_vectors=vectors, wish_encoder=catalogue.encoder
        )
    return done


def dial_set(*, reader: Reader, value: object, origin: str = "") -> None:
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
        announce(reader, {"kind": "dial", "value": reader.familiarity}, origin)


def learning_set(*, reader: Reader, paused: object, origin: str = "") -> None:
    """Pause learning from what the reader does, or go on with it.

    While it is paused nothing that the reader does is stored, but for saves, which stand on the
    list and never count. What was learned and stated before goes on to count. Raises
    ``InvalidInput`` for anything but a boolean.
    """
    if not isinstance(paused, bool):
        raise InvalidInput('"paused" is true or false.', code="invalid_input")
    with transaction.atomic():
        reader.paused = paused
        reader.save(update_fields=["paused"])
        announce(reader, {"kind": "paused" if paused else "resumed"}, origin)


def wish_clear(*, reader: Reader, origin: str = "") -> None:
    with transaction.atomic():
        reader.wish, reader.wish_vectors, reader.wish_encoder = "", None, ""
        reader.save(update_fields=["wish", "wish_vectors", "wish_encoder"])
        wish_changed(reader=reader, origin=origin)
