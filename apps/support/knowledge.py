"""The articles in memory: searched by meaning and words, renewed when an article changes."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from django.db.models import F

from apps.core import gateway
from apps.support.bot import Known
from apps.support.models import Article, KnowledgeVersion
from ml.retrieval.documents import Document
from ml.retrieval.hybrid import Hit, HybridIndex
from ml.types import FloatArray


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The published articles at one version, with their index."""

    version: int
    index: HybridIndex
    articles: dict[str, Known]

    def search(self, text: str, vector: FloatArray, *, k: int = 8) -> list[Hit]:
        return self.index.search(text, vector, k) if self.articles else []


_lock = threading.Lock()
_current: Knowledge | None = None
_documents: dict[str, Document] = {}


def version_number() -> int:
    row = KnowledgeVersion.objects.filter(id=1).values_list("number", flat=True).first()
    return row or 0


def version_bump() -> None:
    """Tell every process that articles have changed; call in the transaction of the change."""
    KnowledgeVersion.objects.get_or_create(id=1)
    KnowledgeVersion.objects.filter(id=1).update(number=F("number") + 1)


def current() -> Knowledge:
    """The articles as they are now; only changed ones are embedded. Blocks while it does so."""
    global _current
    number = version_number()
    with _lock:
        if _current is None or _current.version != number:
            _current = _renewed(number, _current)
        return _current


def forget() -> None:
    """Drop what is in memory."""
    global _current
    with _lock:
        _current = None
        _documents.clear()


def _renewed(number: int, previous: Knowledge | None) -> Knowledge:
    articles = list(Article.objects.filter(published=True))
    wanted = {article.slug: document_of(article) for article in articles}
    changed = [document for slug, document in wanted.items() if _documents.get(slug) != document]
    gone = set(_documents) - set(wanted)
    index = previous.index if previous else HybridIndex(gateway.embed(["x"])[0].shape[0])
    index.remove(gone)
    if changed:
        index.put(changed, lambda texts: np.stack(gateway.embed(list(texts))))
    _documents.clear()
    _documents.update(wanted)
    known = {
        article.slug: Known(
            article.slug, article.title, tuple(article.intents), article.body.split("\n\n")[0]
        )
        for article in articles
    }
    return Knowledge(number, index, known)


def document_of(article: Article) -> Document:
    return Document(article.slug, article.title, article.body, tuple(article.questions))
