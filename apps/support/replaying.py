"""What the bot would do with recent messages if its intent model, thresholds or flows were others.

Each message is read alone, as it was read then, by what is live and by the candidate; nothing is
stored of it, no flow takes a step and nobody is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.conf import settings

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.core.jobs import ProgressReporter
from apps.modelhub.models import LabelledExample
from apps.support import flow_store, knowledge
from apps.support.bot import Decision, Findings, Thresholds, decide
from apps.support.flows.definition import Flow
from apps.support.flows.starting import begun_by
from apps.support.knowledge import Knowledge
from apps.support.models import Message
from apps.support.promises import TASK, limit_for
from apps.support.selectors.replays import messages_recent
from ml.errors import MLError
from ml.retrieval.hybrid import Hit
from ml.types import Classification
from ml.wording import Wording

_CHUNK = 32
KINDS = ("newly answered", "no longer answered", "other article", "other flow", "other words")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is tried: a version of the intent model, thresholds, versions of flows; each as it is
    live where it is not named."""

    version: str | None = None
    thresholds: dict[str, float] | None = None
    flows: tuple[int, ...] = ()


def replay(
    progress: ProgressReporter,
    *,
    number: int,
    version: str | None = None,
    thresholds: dict[str, float] | None = None,
    flows: Sequence[int] = (),
) -> dict[str, Any]:
    """Read the last ``number`` messages twice; what changed, without their texts, ready for JSON.

    Raises ``InvalidInput`` for a version that is not built or a threshold that there is none of,
    ``Problem`` while the models are away.
    """
    candidate = Candidate(version, thresholds, tuple(flows))
    now, then = _reader(Candidate()), _reader(candidate)
    messages = messages_recent(limit=number)
    said = _said(messages)
    changes: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for done, (message, before, after) in enumerate(_both(messages, now, then), start=1):
        counts["answered before"] += before.action == "answer"
        counts["answered after"] += after.action == "answer"
        kind = _kind(before, after)
        verdict = _verdict(said.get(message.pk), before, after)
        if verdict:
            verdicts[verdict] += 1
        if kind:
            counts[kind] += 1
            changes.append(
                {
                    "message": message.pk,
                    "kind": kind,
                    "verdict": verdict,
                    "before": before.as_dict(),
                    "after": after.as_dict(),
                }
            )
        progress.update(done, len(messages), Wording("messages"))
    changes.sort(key=lambda change: KINDS.index(change["kind"]))
    return {
        "messages": len(messages),
        "counts": dict(counts),
        "verdicts": dict(verdicts),
        "changes": changes,
    }


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What the bot would do with one message."""

    action: str
    rule: str
    cites: str
    flow: str
    intent: str
    confidence: float

    def as_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


class _Reader:
    """Reads messages by one set of model, thresholds and flows."""

    def __init__(self, version: str | None, thresholds: Thresholds, flows: Sequence[Flow]) -> None:
        self._version, self._thresholds, self._flows = version, thresholds, flows
        self._predictor = gateway.load_version(TASK, version) if version else None

    def classify(self, texts: list[str]) -> list[Classification]:
        if self._predictor is None:
            return gateway.classify(TASK, texts, observed=False)
        return cast(list[Classification], self._predictor.predict(texts))

    def decided(
        self, message: Message, intent: Classification, known: Knowledge, hits: list[Hit]
    ) -> _Outcome:
        analysis = message.analysis
        language = str(analysis.get("language") or "en")
        decision = decide(
            Findings(
                text=text_of(message),
                intent=intent,
                hits=hits,
                articles=known.articles,
                language=None if language == "en" else language,
                chosen=analysis.get("chosen"),
                limit=limit_for(intent, known.promised),
            ),
            self._thresholds,
        )
        flow = begun_by(message.text, decision, intent, self._flows) or ""
        return _outcome(decision, intent, flow)


def text_of(message: Message) -> str:
    """The message as the models read it then."""
    return str(message.analysis.get("read_as") or message.text)


def thresholds_of(given: dict[str, float] | None) -> Thresholds:
    """The live thresholds with those of ``given``; raises ``InvalidInput`` for an unknown one."""
    known = Thresholds(**settings.SUPPORT_THRESHOLDS).as_dict()
    for name, value in (given or {}).items():
        if name not in known or not 0 <= value <= 2:
            raise InvalidInput(
                "%(name)r is no threshold between 0 and 2.",
                fields={name: "unknown or too large"},
                name=name,
            )
    return Thresholds(**(known | (given or {})))


def _reader(candidate: Candidate) -> _Reader:
    flows = {name: loaded.flow for name, loaded in flow_store.published().items()}
    for version_id in candidate.flows:
        loaded = flow_store.version(version_id)
        if loaded is None:
            raise InvalidInput("There is no such version of a flow.", code="flow_not_found")
        flows[loaded.flow.name] = loaded.flow
    try:
        return _Reader(candidate.version, thresholds_of(candidate.thresholds), list(flows.values()))
    except MLError as error:
        raise InvalidInput(error.words, code="version_unknown") from error


def _both(
    messages: Sequence[Message], now: _Reader, then: _Reader
) -> Iterator[tuple[Message, _Outcome, _Outcome]]:
    known = knowledge.current()
    for at in range(0, len(messages), _CHUNK):
        part = messages[at : at + _CHUNK]
        texts = [text_of(message) for message in part]
        vectors = gateway.encode(texts, task=known.encoder_task)
        rows = zip(part, texts, vectors, now.classify(texts), then.classify(texts), strict=True)
        for message, text, vector, live, tried in rows:
            hits = known.search(text, vector.vector)
            before = now.decided(message, live, known, hits)
            yield message, before, then.decided(message, tried, known, hits)


def _outcome(decision: Decision, intent: Classification, flow: str) -> _Outcome:
    cites = decision.citations[0]["slug"] if decision.citations else ""
    label = intent.label if intent.in_scope else "oos"
    return _Outcome(decision.action, decision.rule, cites, flow, label, round(intent.confidence, 4))


def _kind(before: _Outcome, after: _Outcome) -> str:
    """What sort of change it is, empty for none that a customer would see."""
    if before.flow != after.flow:
        return "other flow"
    if before.action == after.action:
        return "other article" if before.cites != after.cites else ""
    if after.action == "answer":
        return "newly answered"
    return "no longer answered" if before.action == "answer" else "other words"


def _said(messages: Sequence[Message]) -> dict[int, str]:
    """What operators said that messages are about."""
    subjects = {f"support.message.{message.pk}": message.pk for message in messages}
    rows = LabelledExample.objects.filter(task=TASK, subject__in=list(subjects))
    given = rows.order_by("updated_at").values_list("subject", "new_label")
    return {subjects[subject]: label for subject, label in given}


def _verdict(said: str | None, before: _Outcome, after: _Outcome) -> str:
    """Whether the candidate knows better what operators have corrected."""
    if said is None or before.intent == after.intent:
        return ""
    return "better" if after.intent == said else "worse" if before.intent == said else ""
