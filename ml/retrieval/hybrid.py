"""Hybrid search: meaning and words together, document by document."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ml.errors import ArtifactError
from ml.outputs import staged_folder
from ml.retrieval.dense import VectorIndex
from ml.retrieval.documents import Document, Passage, passages_of
from ml.retrieval.lexical import LexicalIndex
from ml.types import FloatArray

Embed = Callable[[Sequence[str]], FloatArray]
"""Texts to unit vectors, shape (texts, dimensions)."""

LEXICAL_WEIGHT = 0.3
"""The words' share of a score. On public how-to questions and on bank questions against the demo
articles everything from 0.2 to 0.5 did better than either source alone."""

HALF_SATURATION = 8.0
"""The BM25 score that counts as one half; BM25 itself has no upper bound."""

_CANDIDATES = 100  # passages that each source proposes
_DOCUMENTS = "documents.json"
_VECTORS = "vectors.index"


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found.

    ``score`` is ``(1 - w) * dense + w * lexical``. ``dense`` is the cosine with the nearest
    passage in [-1, 1], ``lexical`` the BM25 score of the best passage brought into [0, 1).
    ``passage`` is the piece of the body to show (the title, if there is no body), ``matched`` the
    passage that scored best, which may also be the title or a question.
    """

    document_id: str
    score: float
    dense: float
    lexical: float
    passage: Passage
    matched: Passage


class HybridIndex:
    """Documents found by their meaning and by their words. Thread-safe.

    ``embed`` turns passages into vectors when documents are put; a query's vector is given by the
    caller, so that searching blocks on no model. An index belongs to the ``encoder_version`` whose
    vectors it holds.
    """

    def __init__(self, dimensions: int, *, encoder_version: str = "") -> None:
        self.encoder_version = encoder_version
        self._vectors = VectorIndex(dimensions)
        self._documents: dict[str, Document] = {}
        self._passages: dict[str, list[Passage]] = {}
        self._words: _Words | None = None
        self._lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._documents)

    def __contains__(self, document_id: object) -> bool:
        return document_id in self._documents

    @property
    def dimensions(self) -> int:
        return self._vectors.dimensions

    def document(self, document_id: str) -> Document | None:
        """The document as it was put; ``None`` if there is none of that id."""
        return self._documents.get(document_id)

    def document_ids(self) -> list[str]:
        with self._lock:
            return list(self._documents)

    def put(self, documents: Iterable[Document], embed: Embed) -> None:
        """Add documents, replacing those with the same id. Nothing changes if ``embed`` fails."""
        new = {document.id: document for document in documents}
        passages = {name: passages_of(document) for name, document in new.items()}
        flat = [passage for found in passages.values() for passage in found]
        vectors = embed([passage.indexed for passage in flat]) if flat else None
        with self._lock:
            self.remove(new)
            if vectors is not None:
                self._vectors.put([passage.id for passage in flat], vectors)
            self._documents |= new
            self._passages |= passages
            self._words = None

    def remove(self, document_ids: Iterable[str]) -> int:
        """Remove documents; unknown ids are passed over. Returns how many there were."""
        with self._lock:
            known = [name for name in dict.fromkeys(document_ids) if name in self._documents]
            gone = [passage.id for name in known for passage in self._passages.pop(name)]
            self._vectors.remove(gone)
            for name in known:
                del self._documents[name]
            if known:
                self._words = None
            return len(known)

    def search(
        self, query: str, vector: FloatArray, k: int = 5, *, weight: float = LEXICAL_WEIGHT
    ) -> list[Hit]:
        """The ``k`` best documents for a query and its vector, best first.

        ``weight`` in [0, 1] is the words' share: 0 searches by meaning alone, 1 by words alone.
        """
        with self._lock:
            if self._words is None:
                self._words = _Words(self._passages.values())
            lexical = self._words.scores(query)
            found = {name for name, _ in self._vectors.search(vector, _CANDIDATES)}
            found.update(lexical)
            owners = dict.fromkeys(name.rpartition("#")[0] for name in sorted(found))
            candidates = [self._passages[owner] for owner in owners]
            names = [passage.id for passages in candidates for passage in passages]
            cosines = (self._vectors.vectors(names) @ vector.ravel()).astype(np.float64)
        if not names:
            return []
        words = np.array([lexical.get(name, 0.0) for name in names])
        starts = np.cumsum([0, *map(len, candidates)])
        dense, common = (
            np.maximum.reduceat(values, starts[:-1]).tolist() for values in (cosines, words)
        )
        ranked = sorted(
            (-((1.0 - weight) * dense[at] + weight * common[at]), passages[0].document_id, at)
            for at, passages in enumerate(candidates)
        )
        hits = []
        for *_, at in ranked[:k]:
            own = slice(starts[at], starts[at + 1])
            hits.append(_hit(candidates[at], cosines[own].tolist(), words[own].tolist(), weight))
        return hits

    def save(self, folder: Path) -> None:
        """Write to ``folder``, replacing it as a whole."""
        with self._lock, staged_folder(folder) as staged:
            content = {
                "encoder_version": self.encoder_version,
                "documents": [asdict(document) for document in self._documents.values()],
            }
            (staged / _DOCUMENTS).write_text(
                json.dumps(content, ensure_ascii=False), encoding="utf-8"
            )
            self._vectors.save(staged / _VECTORS)

    @classmethod
    def load(cls, folder: Path) -> HybridIndex:
        """Read what :meth:`save` wrote; raises :class:`ArtifactError` unless it is all there."""
        path = folder / _DOCUMENTS
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            documents = [
                Document(**entry | {"questions": tuple(entry["questions"])})
                for entry in content["documents"]
            ]
            version = content["encoder_version"]
        except OSError as error:
            raise ArtifactError(path, f"cannot be read ({error.strerror})") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(path, f"is not a list of documents ({error})") from error
        vectors = VectorIndex.load(folder / _VECTORS)
        index = cls(vectors.dimensions, encoder_version=version)
        index._vectors = vectors
        index._documents = {document.id: document for document in documents}
        index._passages = {document.id: passages_of(document) for document in documents}
        names = [passage.id for found in index._passages.values() for passage in found]
        if len(names) != len(vectors) or not all(name in vectors for name in names):
            raise ArtifactError(folder, "has vectors that do not belong to its documents")
        return index


def _hit(passages: list[Passage], meaning: list[float], words: list[float], weight: float) -> Hit:
    """What a document comes to by the cosine and the words' score of each of its passages."""
    blended = [(1.0 - weight) * m + weight * w for m, w in zip(meaning, words, strict=True)]
    body = [i for i, passage in enumerate(passages) if passage.kind == "body"]
    dense, best_words = max(meaning), max(words)
    return Hit(
        document_id=passages[0].document_id,
        score=(1.0 - weight) * dense + weight * best_words,
        dense=dense,
        lexical=best_words,
        passage=passages[max(body, key=blended.__getitem__, default=0)],
        matched=passages[max(range(len(passages)), key=blended.__getitem__)],
    )


class _Words:
    """The lexical side over all passages, with scores brought into [0, 1)."""

    def __init__(self, passages: Iterable[list[Passage]]) -> None:
        flat = [passage for found in passages for passage in found]
        self._names = [passage.id for passage in flat]
        self._index = LexicalIndex([passage.indexed for passage in flat])

    def scores(self, query: str) -> dict[str, float]:
        """The best passages that share a word with ``query``."""
        raw = self._index.scores(query)
        best = np.argsort(-raw, kind="stable")[:_CANDIDATES]
        return {
            self._names[i]: float(raw[i] / (raw[i] + HALF_SATURATION)) for i in best if raw[i] > 0
        }
