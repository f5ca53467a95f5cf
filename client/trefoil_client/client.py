"""The models over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trefoil_client.answers import Answer, Hit, SearchAnswer, Vectors, prediction_of
from trefoil_client.connection import Connection


class Client(Connection):
    """Asks for predictions, vectors, searches and explanations; a context manager.

    What the server refuses is raised as ``TrefoilError``; what keeps it from answering as the
    errors of ``httpx``.
    """

    _part = "ml"

    def predict(self, task: str, texts: Sequence[str]) -> Answer:
        """The predictions of up to 64 texts."""
        body = self._post("predict/", task=task, texts=list(texts))
        versions = [one.pop("version") for one in body["predictions"]]
        return Answer(task, versions[0], tuple(map(prediction_of, body["predictions"])))

    def embed(self, texts: Sequence[str], *, task: str = "encoder") -> Vectors:
        """The vectors of up to 64 texts."""
        body = self._post("embed/", task=task, texts=list(texts))
        vectors = tuple(tuple(vector) for vector in body["vectors"])
        return Vectors(body["version"], vectors, tuple(body.get("truncated", [False] * len(texts))))

    def search(self, query: str, texts: Sequence[str], *, k: int = 10) -> SearchAnswer:
        """Those of up to 256 texts that answer ``query`` best."""
        body = self._post("search/", query=query, texts=list(texts), k=k)
        return SearchAnswer(body["version"], tuple(Hit(**hit) for hit in body["hits"]))

    def explain(self, task: str, text: str, *, label: str | None = None) -> dict[str, Any]:
        """What each word of a text adds to the answer of a classifier, as the server's JSON."""
        given = {"task": task, "text": text} | ({"label": label} if label else {})
        return self._post("explain/", **given)

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        return self._asked("POST", path, json=body)
