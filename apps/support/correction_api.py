"""``conversations/<id>/messages/<seq>/...``: what operators say that a message was about.

The intent, the entities, the article that answers it, and the tone: read, say, take back; and what
they said of articles as a file.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput
from apps.core.file_answers import FileAnswer, lines_answer
from apps.support.endpoints import require, valid
from apps.support.payloads import MAX_SLUG
from apps.support.services import (
    article_corrections,
    corrections,
    entity_corrections,
    tone_corrections,
)
from apps.support.services.correcting import Said
from apps.support.tone import LABELS
from ml.labelling.spans import Span

_PERMISSION = "support.correct_intents"
_FORMS = {
    "queries": article_corrections.questions_with_articles,
    "pairs": article_corrections.question_pairs,
}


class IntentInput(serializers.Serializer[Any]):
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=500, help_text="a known matter, oos for none of them, or a new one in words"
    )


class OtherOpinion(serializers.Serializer[Any]):
    by = serializers.CharField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]
    decides = serializers.BooleanField(help_text="a team lead's verdict")


class IntentCorrection(serializers.Serializer[Any]):
    text = serializers.CharField()
    label = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    labels = serializers.ListField(child=serializers.CharField())
    others = OtherOpinion(many=True)
    disputed = serializers.BooleanField()


class EntitySpan(serializers.Serializer[Any]):
    start = serializers.IntegerField(min_value=0, help_text="in characters")
    end = serializers.IntegerField(min_value=1, help_text="the character behind the last")
    label = serializers.CharField(max_length=60)  # type: ignore[assignment]


class EntitiesInput(serializers.Serializer[Any]):
    spans = EntitySpan(many=True, help_text="all entities of the message; none is an answer too")


class FoundParticular(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="order, date, amount, product, person, organisation or place"
    )
    text = serializers.CharField(help_text="as it was written")
    start = serializers.IntegerField(help_text="in characters")
    value = serializers.CharField(help_text="2026-11-27, 84.20 GBP: the same however written")


class EntitiesCorrection(serializers.Serializer[Any]):
    text = serializers.CharField()
    spans = EntitySpan(many=True)
    found = EntitySpan(many=True, help_text="what the model found")
    corrected = serializers.BooleanField()
    particulars = FoundParticular(many=True, help_text="names, numbers and products in one form")
    labels = serializers.ListField(child=serializers.CharField())
    others = OtherOpinion(many=True)
    disputed = serializers.BooleanField()


class ArticleChoice(serializers.Serializer[Any]):
    slug = serializers.SlugField(
        max_length=MAX_SLUG, help_text="of the article that answers it; none if there is none"
    )


class ArticleCorrection(serializers.Serializer[Any]):
    text = serializers.CharField()
    cited = serializers.CharField(help_text="what the bot cited first, empty without an answer")
    slug = serializers.CharField(allow_null=True)
    others = OtherOpinion(many=True)
    disputed = serializers.BooleanField()


class ToneInput(serializers.Serializer[Any]):
    label = serializers.ChoiceField(choices=LABELS)  # type: ignore[assignment]


class ToneCorrection(serializers.Serializer[Any]):
    text = serializers.CharField()
    heard = serializers.CharField()
    signs = serializers.ListField(child=serializers.CharField())
    label = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    others = OtherOpinion(many=True)
    disputed = serializers.BooleanField()


class IntentCorrectionView(APIView):
    """One's own correction of a customer's message: read, say, take back."""

    @extend_schema(responses=IntentCorrection)
    def get(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        return _intent(corrections.correction_get(**_which(request, conversation_id, seq)))

    @extend_schema(request=IntentInput, responses=IntentCorrection)
    def put(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        return _intent(corrections.intent_correct(**which, **valid(IntentInput, request)))

    @extend_schema(request=None, responses=IntentCorrection)
    def delete(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        return _intent(corrections.intent_correction_undo(**_which(request, conversation_id, seq)))


class EntitiesCorrectionView(APIView):
    """Where the entities of a customer's message are, as one says oneself."""

    @extend_schema(responses=EntitiesCorrection)
    def get(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        return _entities(entity_corrections.entities_get(**_which(request, conversation_id, seq)))

    @extend_schema(request=EntitiesInput, responses=EntitiesCorrection)
    def put(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        given = valid(EntitiesInput, request)
        return _entities(entity_corrections.entities_correct(**which, **given))

    @extend_schema(request=None, responses=EntitiesCorrection)
    def delete(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        return _entities(entity_corrections.entities_correction_undo(**which))


class ArticleCorrectionView(APIView):
    """Which article answers a customer's message, as one says oneself."""

    @extend_schema(responses=ArticleCorrection)
    def get(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        return _article(article_corrections.article_correction_get(**which))

    @extend_schema(request=ArticleChoice, responses=ArticleCorrection)
    def put(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        given = valid(ArticleChoice, request)
        return _article(article_corrections.article_correct(**which, **given))

    @extend_schema(request=None, responses=ArticleCorrection)
    def delete(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        return _article(article_corrections.article_correction_undo(**which))


class ToneCorrectionView(APIView):
    """How a customer's message sounds, as one says oneself."""

    @extend_schema(responses=ToneCorrection)
    def get(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        return _tone(tone_corrections.tone_correction_get(**_which(request, conversation_id, seq)))

    @extend_schema(request=ToneInput, responses=ToneCorrection)
    def put(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        return _tone(tone_corrections.tone_correct(**which, **valid(ToneInput, request)))

    @extend_schema(request=None, responses=ToneCorrection)
    def delete(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        which = _which(request, conversation_id, seq)
        return _tone(tone_corrections.tone_correction_undo(**which))


class ArticleCorrectionExportView(APIView):
    """What operators agree on: questions with their articles as JSONL, ``queries`` for
    ``evaluate_retrieval`` or ``pairs`` for ``finetune --kind embedding``."""

    @extend_schema(
        parameters=[OpenApiParameter("form", str, enum=sorted(_FORMS))],
        responses={(200, "application/jsonl"): str},
    )
    def get(self, request: Request) -> FileAnswer:
        require(request, _PERMISSION)
        form = request.query_params.get("form", "queries")
        if form not in _FORMS:
            raise InvalidInput(
                '"form" is %(forms)s.',
                fields={"form": "unknown"},
                forms=" or ".join(sorted(_FORMS)),
            )
        rows = _FORMS[form](operator=signed_in(request))
        return lines_answer(
            _lines(rows), filename=f"{form}.jsonl", content_type="application/jsonl"
        )


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False) + "\n"


def _which(request: Request, conversation_id: uuid.UUID, seq: int) -> dict[str, Any]:
    require(request, _PERMISSION)
    return {"conversation_id": conversation_id, "seq": seq, "operator": signed_in(request)}


def _opinions(said: Said) -> dict[str, Any]:
    others = [
        {
            "by": one.actor.display_name if one.actor else None,
            "label": one.new_label,
            "decides": one.decides,
        }
        for one in said.others
    ]
    return {"others": others, "disputed": said.disputed}


def _intent(found: corrections.Correction) -> Response:
    label = found.given.new_label if found.given else None
    row = {"text": found.message.text, "label": label, "labels": found.labels}
    return Response(row | _opinions(found.said))


def _entities(found: entity_corrections.Entities) -> Response:
    row = {
        "text": found.message.text,
        "spans": _spans(found.spans),
        "found": _spans(found.found),
        "corrected": found.said.given is not None,
        "particulars": [asdict(one) for one in found.particulars],
        "labels": found.labels,
    }
    return Response(row | _opinions(found.said))


def _spans(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in spans]


def _article(found: article_corrections.CitedArticle) -> Response:
    slug = found.said.given.new_label if found.said.given else None
    row = {"text": found.message.text, "cited": found.cited, "slug": slug}
    return Response(row | _opinions(found.said))


def _tone(found: tone_corrections.HeardTone) -> Response:
    row = {
        "text": found.message.text,
        "heard": found.heard.label,
        "signs": list(found.heard.signs),
        "label": found.said.given.new_label if found.said.given else None,
    }
    return Response(row | _opinions(found.said))


_MESSAGE = "conversations/<uuid:conversation_id>/messages/<int:seq>"
urlpatterns = [
    path(f"{_MESSAGE}/intent/", IntentCorrectionView.as_view(), name="api-intent-correction"),
    path(f"{_MESSAGE}/entities/", EntitiesCorrectionView.as_view(), name="api-entities-correction"),
    path(f"{_MESSAGE}/article/", ArticleCorrectionView.as_view(), name="api-article-correction"),
    path(f"{_MESSAGE}/tone/", ToneCorrectionView.as_view(), name="api-tone-correction"),
    path(
        "corrections/articles/export/",
        ArticleCorrectionExportView.as_view(),
        name="api-article-corrections-export",
    ),
]
