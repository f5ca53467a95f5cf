"""``/api/v1/ml/``: the models for other programs, beside the socket ``/ws/ml/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import gateway
from apps.core.errors import InvalidInput
from apps.modelhub.api import MAX_CHARACTERS, MAX_TEXTS, TASK_NAME, ExplainView, PredictView
from apps.modelhub.prediction_schema import PROBLEMS
from ml.retrieval.documents import Document, passages_of
from ml.retrieval.hybrid import LEXICAL_WEIGHT, HybridIndex
from ml.types import Embedding

_MAX_SEARCHED = 256
_MAX_PASSAGES = 1024
_ENCODER = "encoder"


class EmbedInput(serializers.Serializer[Any]):
    texts = serializers.ListField(
        child=serializers.CharField(max_length=MAX_CHARACTERS, allow_blank=True),
        min_length=1,
        max_length=MAX_TEXTS,
    )
    task = serializers.RegexField(TASK_NAME, default=_ENCODER)


class EmbedOutput(serializers.Serializer[Any]):
    version = serializers.CharField()
    vectors = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="of unit length, in the order of the texts",
    )
    truncated = serializers.ListField(
        child=serializers.BooleanField(),
        help_text="of which texts a part was left out, as they are longer than the model reads",
    )


class SearchInput(serializers.Serializer[Any]):
    query = serializers.CharField(max_length=2_000)
    texts = serializers.ListField(
        child=serializers.CharField(max_length=MAX_CHARACTERS, allow_blank=True),
        min_length=1,
        max_length=_MAX_SEARCHED,
        help_text="the texts to search",
    )
    k = serializers.IntegerField(min_value=1, max_value=_MAX_SEARCHED, default=10)
    task = serializers.RegexField(TASK_NAME, default=_ENCODER)
    lexical_weight = serializers.FloatField(
        min_value=0, max_value=1, default=LEXICAL_WEIGHT, help_text="0: by meaning alone"
    )


class HitSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField(help_text="of the text in the request")
    score = serializers.FloatField()
    passage = serializers.CharField(help_text="the part of the text that matched")


class SearchOutput(serializers.Serializer[Any]):
    version = serializers.CharField()
    hits = HitSerializer(many=True)


class EmbedView(APIView):
    """Sentence vectors of up to 64 texts."""

    @extend_schema(request=EmbedInput, responses={200: EmbedOutput, **PROBLEMS})
    def post(self, request: Request) -> Response:
        body = EmbedInput(data=request.data)
        body.is_valid(raise_exception=True)
        found = _vectors(body.validated_data["task"], body.validated_data["texts"])
        vectors = [one.vector.tolist() for one in found]
        truncated = [one.truncated for one in found]
        return Response({"version": found[0].version, "vectors": vectors, "truncated": truncated})


class SearchView(APIView):
    """The given texts that answer a query best, by meaning and by words."""

    @extend_schema(request=SearchInput, responses={200: SearchOutput, **PROBLEMS})
    def post(self, request: Request) -> Response:
        body = SearchInput(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(_search(**body.validated_data))


def _vectors(task: str, texts: Sequence[str]) -> list[Embedding]:
    found = gateway.predict(task, texts)
    vectors = [one for one in found if isinstance(one, Embedding)]
    if len(vectors) != len(found):
        raise InvalidInput(
            "%(task)s gives no vectors.", fields={"task": "gives no vectors"}, task=task
        )
    return vectors


def _search(
    *, query: str, texts: list[str], k: int, task: str, lexical_weight: float
) -> dict[str, Any]:
    documents = [Document(str(number), "", text) for number, text in enumerate(texts)]
    passages = [piece.indexed for document in documents for piece in passages_of(document)]
    if len(passages) > _MAX_PASSAGES:
        raise InvalidInput(
            "The texts have %(passages)s passages; %(max_passages)s are searched at most.",
            fields={"texts": "too long together"},
            passages=f"{len(passages):,}",
            max_passages=f"{_MAX_PASSAGES:,}",
        )
    # In one call, so that one version of the encoder reads the query and the texts.
    asked, *found = _vectors(task, [query, *passages])
    index = HybridIndex(len(asked.vector), encoder_version=asked.version)
    index.put(documents, lambda _: np.stack([one.vector for one in found]))
    hits = index.search(query, asked.vector, k, weight=lexical_weight)
    return {
        "version": asked.version,
        "hits": [
            {
                "index": int(hit.document_id),
                "score": round(float(hit.score), 5),
                "passage": hit.passage.text,
            }
            for hit in hits
        ],
    }


urlpatterns = [
    path("predict/", PredictView.as_view(), name="api-ml-predict"),
    path("embed/", EmbedView.as_view(), name="api-ml-embed"),
    path("search/", SearchView.as_view(), name="api-ml-search"),
    path("explain/", ExplainView.as_view(), name="api-ml-explain"),
]
