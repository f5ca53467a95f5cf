"""A deterministic engine for tests: rules instead of models, the real queue and batching."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from zlib import crc32

import numpy as np

from ml.data.targeting import TARGET
from ml.data.text import Word, split_words
from ml.errors import ModelNotFound
from ml.runtime import RuntimeSettings
from ml.serving.engine import LocalEngine
from ml.serving.protocol import ModelSource, Predictor, Unit, of_version
from ml.types import (
    Answers,
    Classification,
    Embedding,
    Entity,
    Kind,
    ModelInfo,
    MultiLabel,
    Prediction,
    ScoredLabel,
    Tagging,
)

Rules = Mapping[str, str]
_ENCODERS = ("encoder", "support_encoder")

DEFAULT_CLASSIFICATIONS: Mapping[str, Rules] = {
    "intent": {
        "lost": "lost_or_stolen_card",
        "stolen": "lost_or_stolen_card",
        "top up": "top_up_failed",
        "transfer": "transfer_not_received_by_recipient",
        "exchange rate": "exchange_rate",
        "refund": "request_refund",
        "card": "card_arrival",
    },
    "sentiment": {
        "profit": "positive",
        "beats": "positive",
        "rises": "positive",
        "loss": "negative",
        "misses": "negative",
        "falls": "negative",
        "": "neutral",
    },
    "targeted_sentiment": {
        f"{TARGET} beats": "positive",
        f"{TARGET} rises": "positive",
        f"lifts {TARGET}": "positive",
        f"{TARGET} misses": "negative",
        f"{TARGET} falls": "negative",
        f"hurts {TARGET}": "negative",
        "": "neutral",
    },
    "topic": {
        "dividend": "Dividend",
        "earnings": "Earnings",
        "merger": "M&A | Investments",
        "acquires": "M&A | Investments",
        "oil": "Energy | Oil",
        "": "Company | Product News",
    },
}
DEFAULT_MULTI_LABEL: Mapping[str, Rules] = {
    "toxicity": {"idiot": "insult", "stupid": "insult", "hurt you": "threat"},
}
# fmt: off
_NOT_NAMES = frozenset({
    "A", "An", "And", "Are", "As", "At", "But", "By", "Can", "Could", "Did", "Do", "Does",
    "For", "From", "Has", "Have", "He", "Hello", "Hi", "How", "I", "If", "In", "Is", "It", "My",
    "No", "Not", "Of", "On", "Or", "Our", "Please", "She", "So", "Thanks", "That", "The",
    "Their", "They", "This", "To", "We", "What", "When", "Where", "Which", "Who", "Why", "Will",
    "With", "Yes", "You", "Your",
})
# fmt: on


class FakeClassifier:
    """Labels a text by the first keyword of ``rules`` that it contains, case aside.

    The keyword ``""`` matches every text; without it a text that matches none is out of scope.
    """

    def __init__(self, info: ModelInfo, rules: Rules) -> None:
        self.info = info
        self._rules = {keyword.lower(): label for keyword, label in rules.items()}
        self._open = "" not in self._rules

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self._classify(text.lower()) for text in texts]

    def _classify(self, text: str) -> Classification:
        matched = [label for keyword, label in self._rules.items() if keyword in text]
        if not text.strip():
            matched = []
        weights = dict.fromkeys(self.info.labels, 0.1)
        for label in matched[1:]:
            weights[label] = 1.0
        for label in matched[:1]:
            weights[label] = float(2 * len(weights))
        total = sum(weights.values())
        scores = sorted(
            (ScoredLabel(label, weight / total) for label, weight in weights.items()),
            key=lambda scored: -scored.score,
        )
        return Classification(
            scores=tuple(scores),
            out_of_scope=(0.05 if matched else 0.95) if self._open else None,
            in_scope=bool(matched),
            confident=bool(matched),
            version=self.info.version,
        )


class FakeMultiLabel:
    """Gives a text the label of each keyword of ``rules`` that it contains, case aside."""

    def __init__(self, info: ModelInfo, rules: Rules) -> None:
        self.info = info
        self._rules = {keyword.lower(): label for keyword, label in rules.items()}

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self._label(text.lower()) for text in texts]

    def _label(self, text: str) -> MultiLabel:
        held = {label for keyword, label in self._rules.items() if keyword in text}
        labels = tuple(label for label in self.info.labels if label in held)
        others = [label for label in self.info.labels if label not in held]
        scores = [
            *(ScoredLabel(name, 0.9) for name in labels),
            *(ScoredLabel(o, 0.1) for o in others),
        ]
        return MultiLabel(tuple(scores), labels, self.info.version)


class FakeTagger:
    """Calls runs of capitalised words organisations, unless ``names`` says what they are."""

    def __init__(self, info: ModelInfo, names: Mapping[str, str]) -> None:
        self.info = info
        self._names = names

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [Tagging(tuple(self._entities(text)), self.info.version) for text in texts]

    def _entities(self, text: str) -> Iterator[Entity]:
        run: list[Word] = []
        for word in [*split_words(text), Word("", len(text), len(text))]:
            if word.text[:1].isupper() and word.text not in _NOT_NAMES:
                run.append(word)
            elif run:
                start, end = run[0].start, run[-1].end
                name = text[start:end]
                yield Entity(name, self._names.get(name, "ORG"), start, end, 0.9)
                run = []


class FakeEncoder:
    """Hashed bags of words of unit length: texts that share words have a higher cosine. Reads the
    first ``LONGEST`` words of a text."""

    LONGEST = 2_000

    def __init__(self, info: ModelInfo, dimensions: int) -> None:
        self.info = info
        self._dimensions = dimensions

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        return [self._embed(split_words(text.lower())) for text in texts]

    def _embed(self, words: Sequence[Word]) -> Embedding:
        vector = self._vector(words[: self.LONGEST])
        return Embedding(vector, self.info.version, truncated=len(words) > self.LONGEST)

    def _vector(self, words: Sequence[Word]) -> np.ndarray:
        vector = np.zeros(self._dimensions, dtype=np.float32)
        for word in words:
            if word.text.isalnum():
                vector[crc32(word.text.encode("utf-8", "replace")) % self._dimensions] += 1.0
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector


class FakeModels:
    """A :class:`ml.serving.protocol.ModelSource` of rules; see :class:`FakeEngine`."""

    def __init__(
        self,
        classifications: Mapping[str, Rules],
        multi_label: Mapping[str, Rules],
        names: Mapping[str, str],
        dimensions: int,
    ) -> None:
        self._rules = {**classifications, **multi_label}
        self._multi_label = set(multi_label)
        self._names = dict(names)
        self._dimensions = dimensions
        self._versions = dict.fromkeys((*self._rules, "ner", "encoder"), "fake-1")

    def promote(self, task: str, version: str) -> None:
        """Serve ``task`` as ``version`` from the next batch on."""
        self._versions[task] = version

    def active_version(self, task: str) -> str:
        name, version = of_version(task)
        try:
            return version or self._versions[name]
        except KeyError as error:
            raise ModelNotFound(f"no model is active for the task {task!r}") from error

    def answering(self, task: str) -> str:
        return self.active_version(task)

    def refresh(self) -> list[str]:
        return []

    def infos(self) -> list[ModelInfo]:
        return [self._info(task) for task in sorted(self._versions)]

    def unit(self, task: str) -> str:
        return task

    def load(self, task: str) -> Predictor:
        info = self._info(task)
        if info.kind == "ner":
            return FakeTagger(info, self._names)
        if info.kind == "embedding":
            return FakeEncoder(info, self._dimensions)
        if info.kind == "multi_label":
            return FakeMultiLabel(info, self._rules[info.task])
        return FakeClassifier(info, self._rules[info.task])

    def _info(self, task: str) -> ModelInfo:
        version = self.active_version(task)
        task = of_version(task)[0]
        kind: Kind
        labels: tuple[str, ...] = ()
        if task == "ner":
            kind, labels = "ner", ("LOC", "ORG", "PER")
        elif task in _ENCODERS:
            kind = "embedding"
        else:
            kind = "multi_label" if task in self._multi_label else "classification"
            labels = tuple(dict.fromkeys(self._rules[task].values()))
        return ModelInfo(
            task=task,
            kind=kind,
            version=version,
            labels=labels,
            precision="none",
            size_bytes=0,
        )


class GatedModels:
    """Any model source behind a gate at which a test can stop batches or make them fail.

    ``batches`` lists what was computed: the task and its texts.
    """

    def __init__(self, source: ModelSource) -> None:
        self._source = source
        self._poison: set[str] = set()
        self._open = threading.Event()
        self._open.set()
        self._held = threading.Event()
        self.batches: list[tuple[str, tuple[str, ...]]] = []

    def hold(self) -> None:
        """Let every batch that begins from now on wait until :meth:`release`."""
        self._held.clear()
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def wait_until_held(self, timeout: float = 10.0) -> bool:
        """Wait until a batch has begun and stands at the gate; ``False`` when none came."""
        return self._held.wait(timeout)

    def fail_on(self, *parts: str) -> None:
        """Let each text that contains one of ``parts`` fail; ``""`` fails all, no part none."""
        self._poison = set(parts)

    def active_version(self, task: str) -> str:
        return self._source.active_version(task)

    def answering(self, task: str) -> str:
        return self._source.answering(task)

    def refresh(self) -> list[str]:
        return self._source.refresh()

    def infos(self) -> list[ModelInfo]:
        return self._source.infos()

    def unit(self, task: str) -> str:
        return self._source.unit(task)

    def load(self, unit: str) -> Unit:
        return _GatedUnit(self, unit, self._source.load(unit))

    def enter(self, task: str, texts: Sequence[str]) -> None:
        """What each batch goes through before it is computed."""
        self.batches.append((task, tuple(texts)))
        if not self._open.is_set():
            self._held.set()
            self._open.wait()
        for text in texts:
            if any(part in text for part in self._poison):
                raise RuntimeError(f"told to fail on {text!r}")


class _GatedUnit:
    def __init__(self, gate: GatedModels, name: str, unit: Unit) -> None:
        self._gate = gate
        self._name = name
        self._unit = unit

    def predict(self, texts: Sequence[str]) -> Sequence[Prediction | Answers]:
        self._gate.enter(self._name, texts)
        return self._unit.predict(texts)


class FakeEngine(LocalEngine):
    """The real engine over rules: the same protocol, no model files, no onnxruntime.

    ``classifications`` and ``multi_label`` map a task to its rules (keyword to label), ``names`` an
    entity's text to its type. The tasks are theirs (``intent``, ``sentiment``,
    ``targeted_sentiment``, ``topic`` and ``toxicity`` unless given), ``ner`` and ``encoder``;
    ``models.promote("support_encoder", ...)`` adds that one. One worker and no cache by default, so
    that what a test sees does not depend on what ran before.

    ``gate`` (:class:`GatedModels`) stops batches and makes texts fail, ``models`` promotes
    versions, :meth:`overloaded` refuses texts::

        engine = FakeEngine({"intent": {"card": "lost_or_stolen_card"}})
        engine.gate.hold()
        futures = engine.submit("intent", ["my card is gone"])
        engine.gate.release()
    """

    def __init__(
        self,
        classifications: Mapping[str, Rules] = DEFAULT_CLASSIFICATIONS,
        *,
        multi_label: Mapping[str, Rules] = DEFAULT_MULTI_LABEL,
        names: Mapping[str, str] | None = None,
        dimensions: int = 384,
        capacity: int = 2048,
        cache_size: int = 0,
        workers: int = 1,
    ) -> None:
        self.models = FakeModels(classifications, multi_label, names or {}, dimensions)
        self.gate = GatedModels(self.models)
        super().__init__(
            self.gate,
            settings=RuntimeSettings(workers=workers),
            capacity=capacity,
            cache_size=cache_size,
        )

    @contextmanager
    def overloaded(self) -> Iterator[None]:
        """Within the block the queue is full."""
        capacity, self._batcher.capacity = self._batcher.capacity, 0
        try:
            yield
        finally:
            self._batcher.capacity = capacity
