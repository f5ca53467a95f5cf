"""The articles in memory: searched by meaning and words, renewed when an article changes.

The index is kept on disk too, so that a start embeds only what changed since the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy

from apps.core import gateway
from apps.core.errors import Busy, ModelUnavailable, Problem
from apps.core.jobs import NoProgress, ProgressReporter
from apps.modelhub.changeovers import Changeover
from apps.support.bot import Known
from apps.support.excerpts import blocks_of
from apps.support.models import Article, KnowledgeVersion
from apps.support.promises import Promised, promised_groups
from apps.support.spelling import Speller
from ml.errors import ArtifactError
from ml.retrieval.documents import Document
from ml.retrieval.hybrid import Hit, HybridIndex
from ml.types import Embedding, FloatArray
from ml.wording import Wording

logger = structlog.get_logger(__name__)

_BATCH = 64
_BUSY_PAUSE = 0.2
_BUSY_ATTEMPTS = 50
_RENEWAL_SECONDS = 0.5
_SEARCH_LIMIT = 24
_SEARCH_FLOOR = 0.25  # hybrid score

ENCODER_TASKS = ("support_encoder", "encoder")
"""The encoders of articles and questions, best first: the tuned one, the plain one."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The published articles at one version, with their index, the task of its encoder, their
    words, and the groups of matters for which an error is promised."""

    version: int
    index: HybridIndex
    articles: dict[str, Known]
    encoder_task: str
    speller: Speller
    promised: tuple[Promised, ...] = ()

    @property
    def encoder_version(self) -> str:
        """The version of the encoder whose vectors the index holds."""
        return self.index.encoder_version.removeprefix(f"{self.encoder_task} ")

    def fits(self, embedding: Embedding) -> bool:
        """Whether the vector is of the encoder whose vectors the index holds."""
        return self.index.encoder_version == _identity(self.encoder_task, embedding.version)

    def search(self, text: str, vector: FloatArray, *, k: int = 8) -> list[Hit]:
        return self.index.search(text, vector, k) if self.articles else []


_lock = threading.Lock()
_tried = threading.Event()  # whether the articles in memory are those of a version on trial
_renewing = threading.Event()  # whether this process makes the articles anew by itself
_latest: Knowledge | None = None
_read: tuple[int, int] = (0, 0)  # passages that the renewal under way has embedded, of how many


def version_number() -> int:
    row = KnowledgeVersion.objects.filter(id=1).values_list("number", flat=True).first()
    return row or 0


def version_bump() -> None:
    """Tell every process that articles have changed; call in the transaction of the change.

    A process that answers customers does so by the new articles once the transaction has
    committed; the others within :data:`_RENEWAL_SECONDS`.
    """
    KnowledgeVersion.objects.get_or_create(id=1)
    KnowledgeVersion.objects.filter(id=1).update(number=F("number") + 1)
    transaction.on_commit(_follow)


def _follow() -> None:
    if _latest is None:  # nobody is answered here
        return
    try:
        current()
    except Problem as problem:  # what was changed is stored; the renewal tries again
        logger.warning("articles are not indexed", reason=problem.message)


def current(progress: ProgressReporter | None = None) -> Knowledge:
    """The articles as they are now; only changed ones are embedded. Blocks while it does so."""
    global _latest
    if _tried.is_set() and _latest is not None:
        return _latest
    with _lock:
        number, task = version_number(), best_encoder()
        encoder = _identity(task, _version_of(task))
        if _latest is None or _latest.version != number or _latest.index.encoder_version != encoder:
            try:
                _latest = _renewed(number, task, _latest, _Counted(progress or NoProgress()))
            finally:
                _note(0, 0)
        return _latest


class _Counted:
    """Keeps how far a renewal is for :func:`changeover`, and passes it on."""

    def __init__(self, progress: ProgressReporter) -> None:
        self._progress = progress

    def update(self, done: int, total: int, message: str = "") -> None:
        _note(done, total)
        self._progress.update(done, total, message)


def _note(done: int, total: int) -> None:
    global _read
    _read = (done, total)


def changeover(task: str) -> Changeover | None:
    """How far this process is with reading the articles by the version of ``task`` that is live;
    ``None`` where it has done so, or searches by another encoder or not at all."""
    known = _latest
    if known is None or _tried.is_set() or task != known.encoder_task:
        return None
    live = next((info.version for info in gateway.models() if info.task == task), "")
    if live in ("", known.encoder_version):
        return None
    done, total = _read
    return Changeover(
        app="support",
        task=task,
        answering=known.encoder_version,
        coming=live,
        done=done,
        total=total,
        what=gettext_lazy("passages of articles"),
        process=True,
    )


def latest() -> Knowledge:
    """The articles as last read: no waiting while a renewal runs, except for the first."""
    return _latest or current()


def encoder_task() -> str:
    """The task that encodes questions for the articles in memory."""
    known = _latest
    return known.encoder_task if known else best_encoder()


def retrieve(text: str, embedding: Embedding, *, k: int = 8) -> tuple[Knowledge, list[Hit]]:
    """The articles in memory and the best for a question that :func:`encoder_task` encoded.

    A vector of another encoder than the index's says nothing. Where one of the two was promoted in
    between, a server answers by the articles as they are: the version that made their vectors reads
    the question once more, until the renewal has made them anew. Elsewhere, and where that version
    is gone, the articles are renewed first.
    """
    known = latest()
    if not known.fits(embedding) and _renewing.is_set():
        with contextlib.suppress(ModelUnavailable):
            embedding = _read_by(known, text)
    if not known.fits(embedding):
        known = current()
    if not known.fits(embedding):
        embedding = _read_by(known, text)
    return known, known.search(text, embedding.vector, k=k)


def _read_by(known: Knowledge, text: str) -> Embedding:
    """The question as the encoder of the articles' vectors reads it."""
    task, version = known.encoder_task, known.encoder_version
    asked = None if version == _version_of(task) else version
    (embedding,) = gateway.encode([text], task=task, version=asked)
    return embedding


def search_slugs(query: str) -> list[str]:
    """Articles for a search box, best first; raises ``Problem`` while the models are away."""
    (embedding,) = gateway.encode([query], task=latest().encoder_task)
    _, hits = retrieve(query, embedding, k=_SEARCH_LIMIT)
    return [hit.document_id for hit in hits if hit.score >= _SEARCH_FLOOR]


def forget() -> None:
    """Drop what is in memory."""
    global _latest
    with _lock:
        _latest = None


@contextmanager
def read_by(task: str, version: str) -> Iterator[None]:
    """Meanwhile this process searches the articles as an encoder's ``version`` reads them.

    For a worker that tries it; nothing of it is stored.
    """
    global _latest
    before = _latest
    with gateway.answered_by(task, version):
        _latest = _renewed(version_number(), task, None, NoProgress(), keep=False)
        _tried.set()
        try:
            yield
        finally:
            _latest = before
            _tried.clear()


async def run_renewal() -> None:
    """Keep the articles in memory up to date, until cancelled."""
    renew = database_sync_to_async(current, thread_sensitive=False)
    told = ""
    _renewing.set()
    try:
        while True:
            try:
                await renew()
                told = ""
            except Problem as problem:
                if problem.message != told:
                    logger.warning("articles are not indexed", reason=problem.message)
                told = problem.message
            await asyncio.sleep(_RENEWAL_SECONDS)
    finally:
        _renewing.clear()


def _renewed(
    number: int,
    task: str,
    previous: Knowledge | None,
    progress: ProgressReporter,
    *,
    keep: bool = True,
) -> Knowledge:
    (sample,) = gateway.encode(["dimensions"], task=task)
    encoder = _identity(task, sample.version)
    articles = list(Article.objects.filter(published=True, audience=Article.Audience.PUBLIC))
    wanted = {article.slug: _document(article) for article in articles}
    index = previous.index if previous else (_stored() if keep else None)
    if index is None or index.encoder_version != encoder:
        index = HybridIndex(sample.vector.shape[0], encoder_version=encoder)
    gone = [slug for slug in index.document_ids() if slug not in wanted]
    changed = [document for slug, document in wanted.items() if index.document(slug) != document]
    index.remove(gone)
    if changed:
        index.put(changed, partial(_embed, task=task, progress=progress))
    if keep and (gone or changed):
        _store(index)
    if wanted:
        index.search("warm", np.zeros(index.dimensions, dtype=np.float32), 1)
    known = {
        article.slug: Known(
            article.slug, article.title, tuple(article.intents), blocks_of(article.body)
        )
        for article in articles
    }
    written = (text for one in articles for text in (one.title, one.body, *one.questions))
    return Knowledge(number, index, known, task, Speller.of(written), promised_groups())


def best_encoder() -> str:
    """The best of ``ENCODER_TASKS`` that can be served; raises ``ModelUnavailable``."""
    served = {info.task for info in gateway.models()}
    for task in ENCODER_TASKS:
        if task in served:
            return task
    raise ModelUnavailable("The sentence encoder is not built; run: manage.py build_models")


def _version_of(task: str) -> str:
    return next(info.version for info in gateway.models() if info.task == task)


def _identity(task: str, version: str) -> str:
    """What names an encoder: versions of two tasks may be called the same."""
    return f"{task} {version}"


def _document(article: Article) -> Document:
    return Document(article.slug, article.title, article.body, tuple(article.questions))


def _embed(texts: Sequence[str], *, task: str, progress: ProgressReporter) -> FloatArray:
    """Vectors of shape (texts, dimensions), in batches that leave the queue room for customers."""
    vectors: list[FloatArray] = []
    progress.update(0, len(texts), Wording("embedding"))
    for start in range(0, len(texts), _BATCH):
        vectors += _embed_batch(list(texts[start : start + _BATCH]), task)
        progress.update(len(vectors), len(texts), Wording("embedding"))
    return np.stack(vectors)


def _embed_batch(texts: list[str], task: str) -> list[FloatArray]:
    for _ in range(_BUSY_ATTEMPTS):
        try:
            return gateway.embed(texts, task=task)
        except Busy:
            time.sleep(_BUSY_PAUSE)
    return gateway.embed(texts, task=task)


def _stored() -> HybridIndex | None:
    """The index of an earlier process; one that is missing or damaged is made anew."""
    folder = settings.SUPPORT_INDEX_DIR
    if not folder.exists():
        return None
    try:
        return HybridIndex.load(folder)
    except ArtifactError as error:
        logger.warning("the stored index is made anew", reason=str(error))
        return None


def _store(index: HybridIndex) -> None:
    try:
        settings.SUPPORT_INDEX_DIR.parent.mkdir(parents=True, exist_ok=True)
        index.save(settings.SUPPORT_INDEX_DIR)
    except OSError as error:
        logger.warning("the index could not be stored", reason=str(error))
