"""What operators say a customer's message was about: labelled examples for the intent model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub.models import LabelledExample
from apps.modelhub.services import MAX_LABEL, example_add, example_labels, example_undo
from apps.support.models import Message
from apps.support.services.correcting import (
    INTENT,
    Said,
    message_to_correct,
    said_of,
    subject_of,
    where_from,
)
from ml.types import OUT_OF_SCOPE

TASK = INTENT
_NOT_OF_LABEL = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Correction:
    """A customer's message with the matters there are and what was made of it."""

    message: Message
    labels: list[str]
    said: Said

    @property
    def given(self) -> LabelledExample | None:
        """What this operator said."""
        return self.said.given


def correction_get(*, conversation_id: UUID, seq: int, operator: User) -> Correction:
    """What an operator can say of a customer's message; raises ``NotFound``."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    return _of(message, operator)


def intent_labels() -> list[str]:
    """The matters that the live model knows and those that people named since, sorted."""
    known = [info.labels for info in gateway.models() if info.task == TASK]
    return sorted({*(label for labels in known for label in labels), *example_labels(task=TASK)})


def intent_correct(*, conversation_id: UUID, seq: int, operator: User, label: str) -> Correction:
    """Say which matter a customer's message is about; replaces what this operator said before.

    ``label`` is a known one, ``oos`` for none of them, or a new one in words, which is stored as
    ``new_one``. The text is the message as it is stored, with personal numbers masked.
    """
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    analysis = message.analysis
    intents: list[dict[str, Any]] = analysis.get("intents") or [{"label": "", "score": None}]
    best = intents[0]
    out_of_scope = not analysis.get("in_scope", True)
    example_add(
        task=TASK,
        text=message.text,
        old_label=OUT_OF_SCOPE if out_of_scope else best["label"],
        new_label=label_of(label),
        confidence=None if out_of_scope else best["score"],
        model_version=analysis.get("version", ""),
        **where_from(message, operator),
    )
    return _of(message, operator)


def intent_correction_undo(*, conversation_id: UUID, seq: int, operator: User) -> Correction:
    """Take back what this operator said of the message; raises ``NotFound`` if that is nothing."""
    message = message_to_correct(conversation_id=conversation_id, seq=seq, operator=operator)
    example_undo(task=TASK, subject=subject_of(message), actor=operator)
    return _of(message, operator)


def label_of(words: str) -> str:
    """A matter in words as a label, ``Joint account!`` as ``joint_account``.

    Raises ``InvalidInput`` when nothing is left of it, or too much.
    """
    label = _NOT_OF_LABEL.sub("_", words.casefold()).strip("_")
    known = intent_labels()
    by_folded = {name.casefold(): name for name in known}
    label = by_folded.get(words.strip().casefold(), by_folded.get(label, label))
    if not 0 < len(label) <= MAX_LABEL:
        raise InvalidInput(
            "Name the matter in words, %(max_label)s characters at most.",
            code="label_invalid",
            fields={"label": "empty or too long"},
            max_label=MAX_LABEL,
        )
    return label


def _of(message: Message, operator: User) -> Correction:
    said = said_of(task=TASK, message=message, operator=operator)
    return Correction(message, intent_labels(), said)
