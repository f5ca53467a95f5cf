"""The only door from the apps to the language layer.

It owns the process's engine and turns the language layer's errors into problems that every door
of the apps knows how to show.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from django.conf import settings
from django.utils import timezone

from apps.core import lifespan
from apps.core.errors import Busy, ModelUnavailable, Problem
from ml.entities.personal import PII_TASK, TAGGER, personal_data
from ml.errors import DeadlineExceeded, EngineClosed, MLError, ModelNotFound, Overloaded
from ml.serving.protocol import EngineStats, InferenceEngine, Predictor, named_version
from ml.serving.protocol import TaskStats as TaskStats
from ml.serving.protocol import of_version as of_version
from ml.types import Classification, Embedding, FloatArray, ModelInfo, Prediction, Tagging

if TYPE_CHECKING:
    from ml.serving.registry import ModelStore

Observer = Callable[[str, Sequence[str], Sequence[Prediction], float], None]
"""Called with the task, the texts, what was predicted for them and the seconds that it took; must
not wait for anything."""


class Router(Protocol):
    """Sends some calls of a task to a version that is not the active one."""

    def choose(self, task: str) -> str | None:
        """The version that the next call goes to; ``None`` for the active one."""
        ...

    def failed(self, task: str, version: str) -> None:
        """The chosen version could not answer; the active one is asked instead."""
        ...


_ATTEMPTS = 8
_observers: list[Observer] = []
_routers: list[Router] = []
_lock = threading.Lock()
_engine: InferenceEngine | None = None


def engine() -> InferenceEngine:
    """The engine of this process, made at first use."""
    global _engine
    with _lock:
        if _engine is None:
            _engine = _make_engine(settings.ML_BACKEND)
            lifespan.register_shutdown(shut_down)
        return _engine


def _make_engine(backend: str) -> InferenceEngine:
    if backend == "fake":
        from ml.serving.fakes import FakeEngine

        return FakeEngine()
    from ml.serving.engine import LocalEngine

    return LocalEngine(settings.ML_MODELS_DIR, capacity=settings.ML_QUEUE_CAPACITY)


def observe(observer: Observer) -> None:
    """Tell ``observer`` of what is predicted in this process; call from ``ready()``.

    Not told are calls with ``observed=False``, which no person or program made.
    """
    _observers.append(observer)


def route(router: Router) -> None:
    """Let ``router`` choose versions in this process; call from ``ready()``."""
    _routers.append(router)


class _Only:
    """Sends every call of a task to one version; what that cannot answer is an error."""

    def __init__(self, task: str, version: str) -> None:
        self._task, self._version = task, version

    def choose(self, task: str) -> str | None:
        return self._version if task == self._task else None

    def failed(self, task: str, version: str) -> None:
        if (task, version) == (self._task, self._version):
            raise ModelUnavailable(
                "%(version)s of %(task)s could not answer.", version=version, task=task
            )


@contextmanager
def answered_by(task: str, version: str) -> Iterator[None]:
    """Meanwhile ``version`` answers every call of ``task`` in this process, as if it were live.

    For a worker that tries it: in a server, people would be answered by it.
    """
    router = _Only(task, version)
    _routers.insert(0, router)
    try:
        yield
    finally:
        _routers.remove(router)


def use_engine(replacement: InferenceEngine | None) -> InferenceEngine | None:
    """Serve from ``replacement`` (``None``: make one anew at next use); returns the old engine."""
    global _engine
    with _lock:
        previous, _engine = _engine, replacement
        return previous


def prepare(task: str, version: str) -> None:
    """Load a version before it goes live, so that no request of this process waits for that.

    A process that serves nothing loads nothing. Raises ``MLError`` for one that cannot be served.
    """
    with _lock:
        serving = _engine
    if serving is not None:
        serving.warm([named_version(task, version)])


def refresh() -> list[str]:
    """Load what other processes promoted, before a request asks for it; returns the tasks.

    A process that serves nothing loads nothing.
    """
    with _lock:
        serving = _engine
    return serving.refresh() if serving is not None else []


def cached_texts(task: str) -> list[str]:
    """The texts of ``task`` whose predictions this process holds; none where it serves nothing."""
    with _lock:
        serving = _engine
    return serving.cached_texts(task) if serving is not None else []


def drop_cached(task: str) -> int:
    """Let go of the predictions of ``task`` that this process holds; how many those were."""
    with _lock:
        serving = _engine
    return serving.drop_cached(task) if serving is not None else 0


def shut_down() -> None:
    """Finish what is queued and release the models."""
    previous = use_engine(None)
    if previous is not None:
        previous.close()


def _problem(error: MLError) -> Problem:
    if isinstance(error, Overloaded | DeadlineExceeded):
        return Busy(
            "The language models are busy at this moment; please try again.", code=error.code
        )
    if isinstance(error, EngineClosed):
        return Busy("The server is shutting down; please try again.", code=error.code)
    if isinstance(error, ModelNotFound):
        return ModelUnavailable(error.words, code=error.code)
    return ModelUnavailable(
        "The model could not answer: %(error)s", code=error.code, error=error.words
    )


def predict(
    task: str, texts: Sequence[str], *, version: str | None = None, observed: bool = True
) -> list[Prediction]:
    """Predictions for ``texts``, blocking; for workers and commands. Raises ``Problem``.

    One version of the model makes all of them, also when another is promoted in between;
    ``version`` asks for that one, whichever is active by now.
    """
    if task == PII_TASK:
        return _personal(texts, predict(TAGGER, texts, version=version))
    began = time.perf_counter()
    for chosen in [version] if version else _versions(task, observed):
        asked = named_version(task, chosen) if chosen else task
        try:
            for _ in range(_ATTEMPTS):
                found = engine().predict(asked, texts, timeout=settings.ML_TIMEOUT_SECONDS)
                if _of_one_version(found):
                    _tell(task, texts, found, began, observed)
                    return found
        except MLError as error:
            if version or not _passed_over(task, chosen, error):
                raise _problem(error) from error
    raise Busy("The model was exchanged again and again; please try again.", code="overloaded")


async def apredict(
    task: str, texts: Sequence[str], *, version: str | None = None, observed: bool = True
) -> list[Prediction]:
    """Like :func:`predict` without blocking the event loop. Raises ``Problem``.

    ``version`` asks for that version, whichever is active by now.
    """
    if task == PII_TASK:
        return _personal(texts, await apredict(TAGGER, texts, version=version))
    began = time.perf_counter()
    for chosen in [version] if version else _versions(task, observed):
        asked = named_version(task, chosen) if chosen else task
        try:
            for _ in range(_ATTEMPTS):
                found = await engine().apredict(asked, texts, timeout=settings.ML_TIMEOUT_SECONDS)
                if _of_one_version(found):
                    _tell(task, texts, found, began, observed)
                    return found
        except MLError as error:
            if version or not _passed_over(task, chosen, error):
                raise _problem(error) from error
    raise Busy("The model was exchanged again and again; please try again.", code="overloaded")


def _versions(task: str, observed: bool) -> list[str | None]:
    """Which versions a call asks: one that a router chose, then (``None``) the active one."""
    if not observed:
        return [None]
    chosen = (router.choose(task) for router in _routers)
    return [*(version for version in chosen if version), None]


def _passed_over(task: str, version: str | None, error: MLError) -> bool:
    """Whether the active version is asked now, since a chosen one failed by its own fault."""
    if version is None or isinstance(error, Overloaded | EngineClosed | DeadlineExceeded):
        return False
    for router in _routers:
        router.failed(task, version)
    return True


def _tell(
    task: str, texts: Sequence[str], found: Sequence[Prediction], began: float, observed: bool
) -> None:
    if observed:
        seconds = time.perf_counter() - began
        for observer in _observers:
            observer(task, texts, found, seconds)


def _of_one_version(predictions: Sequence[Prediction]) -> bool:
    """Whether no other version was promoted while these were made.

    Batches are computed on one version each, so a call of several may meet a promotion. Asked for
    again, what the new version has answered comes from the cache.
    """
    return len({prediction.version for prediction in predictions}) < 2


def _personal(texts: Sequence[str], taggings: Sequence[Prediction]) -> list[Prediction]:
    """The personal data of texts, whose names a tagger has found."""
    today = timezone.localdate()
    tagged = cast(Sequence[Tagging], taggings)
    return [
        personal_data(text, tagging, today=today, region=settings.PHONE_REGION)
        for text, tagging in zip(texts, tagged, strict=True)
    ]


def foresee(task: str, texts: Sequence[str]) -> None:
    """Begin to compute what will be asked for in a moment, without waiting. Raises ``Problem``.

    The result is in the engine's cache, or on its way there, when :func:`apredict` asks.
    """
    try:
        engine().submit(task, texts, timeout=settings.ML_TIMEOUT_SECONDS)
    except MLError as error:
        raise _problem(error) from error


def classify(task: str, texts: Sequence[str], *, observed: bool = True) -> list[Classification]:
    return cast(list[Classification], predict(task, texts, observed=observed))


async def aclassify(task: str, texts: Sequence[str]) -> list[Classification]:
    return cast(list[Classification], await apredict(task, texts))


def tag(texts: Sequence[str], *, task: str = "ner") -> list[Tagging]:
    return cast(list[Tagging], predict(task, texts))


async def atag(texts: Sequence[str], *, task: str = "ner") -> list[Tagging]:
    return cast(list[Tagging], await apredict(task, texts))


def embed(texts: Sequence[str], *, task: str = "encoder") -> list[FloatArray]:
    """Unit-length sentence vectors, each of shape (dimensions,)."""
    return [cast(Embedding, prediction).vector for prediction in predict(task, texts)]


async def aencode(
    texts: Sequence[str], *, task: str = "encoder", version: str | None = None
) -> list[Embedding]:
    """Sentence vectors with the version of the encoder that made them."""
    return cast(list[Embedding], await apredict(task, texts, version=version))


def encode(
    texts: Sequence[str], *, task: str = "encoder", version: str | None = None
) -> list[Embedding]:
    return cast(list[Embedding], predict(task, texts, version=version))


def model_store() -> ModelStore:
    """The built models on disk: versions, activation. Hashes each version's files once."""
    return _store_at(settings.ML_MODELS_DIR)


@lru_cache(maxsize=4)
def _store_at(root: Path) -> ModelStore:
    from ml.serving.registry import ModelStore

    return ModelStore(root)


def load_version(task: str, version: str | None = None, *, threads: int | None = None) -> Predictor:
    """The predictor of one version (the active one, when ``None``), apart from the engine.

    For evaluation, which must not fill the engine's queue and cache. ``threads`` (``None``: one a
    core) are what it computes with. Raises ``MLError``.
    """
    from ml.runtime import RuntimeSettings, available_cores
    from ml.serving.predictors import load_predictor

    if task == PII_TASK:
        from ml.serving.personal import PersonalDataPredictor

        return PersonalDataPredictor(
            load_version(TAGGER, version), timezone.localdate, region=settings.PHONE_REGION
        )
    store = model_store()
    artifact = store.artifact(task, version)
    folder = settings.ML_MODELS_DIR / task / artifact.version
    return load_predictor(folder, artifact, RuntimeSettings(threads or available_cores(), 1))


def models() -> list[ModelInfo]:
    """The active model of each task."""
    return engine().tasks()


def unusable() -> dict[str, str]:
    """What is wrong, for each task whose active version cannot be served."""
    if settings.ML_BACKEND == "fake":
        return {}
    served = {info.task for info in models()}
    found = {}
    for task in model_store().tasks():
        if task not in served:
            try:
                model_store().info(task)
            except MLError as error:
                found[task] = str(error)
    return found


def active_version(task: str) -> str:
    """The version of ``task`` that answers now; cheap. Raises ``MLError`` if there is none."""
    return engine().active_version(task)


def stats() -> EngineStats:
    return engine().stats()
