"""Written conversations as a check of the gate of the models that the bot answers by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from django.conf import settings

from apps.core import gateway
from apps.core.jobs import ProgressReporter
from apps.modelhub.gate_checks import Finding
from apps.support import knowledge
from apps.support.conversation_tests.playing import play
from apps.support.conversation_tests.reading import ConversationTest, read_conversation_tests
from apps.support.promises import TASK
from apps.support.services.correcting import ARTICLE
from ml.runs.gate import Check

NAME = "conversations"
By = Callable[[str], AbstractContextManager[None]]
"""Lets a version answer meanwhile."""

_NAMED = 3


def conversations_hold(candidate: str, live: str, progress: ProgressReporter) -> Finding | None:
    """:func:`_hold` of the bot's intent model."""
    return _hold(partial(gateway.answered_by, TASK), candidate, live, progress)


def articles_hold(candidate: str, live: str, progress: ProgressReporter) -> Finding | None:
    """:func:`_hold` of the encoder that finds the articles."""
    return _hold(partial(knowledge.read_by, ARTICLE), candidate, live, progress)


def _hold(by: By, candidate: str, live: str, progress: ProgressReporter) -> Finding | None:
    """Whether the bot still holds, with the candidate, each conversation that it holds with the
    live version; ``None`` where ``SUPPORT_GATE_CONVERSATIONS`` names no folder.

    Raises ``DataError`` for conversations that cannot be read.
    """
    folder = settings.SUPPORT_GATE_CONVERSATIONS
    if folder is None:
        return None
    tests = read_conversation_tests(folder)
    before, after = (_held(tests, by(one), progress) for one in (live, candidate))
    lost = sorted(before - after)
    named = ", ".join(lost[:_NAMED])
    if len(lost) > _NAMED:
        named = f"{named} and {len(lost) - _NAMED} more"
    return Finding([Check(NAME, not lost, len(after), len(before), len(before), named)])


def _held(
    tests: list[ConversationTest],
    answering: AbstractContextManager[None],
    progress: ProgressReporter,
) -> set[str]:
    """The names of the conversations that go as written while a version answers."""
    with answering:
        return {outcome.name for outcome in play(tests, progress) if outcome.passed}
