"""``conversations/<id>/messages/<seq>/intent/``: what an operator says a message is about."""

from __future__ import annotations

import uuid
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support.endpoints import body_of, require
from apps.support.services import corrections


class IntentInput(serializers.Serializer[Any]):
    label = serializers.CharField(  # type: ignore[assignment]
        max_length=500, help_text="a known matter, oos for none of them, or a new one in words"
    )


class IntentCorrection(serializers.Serializer[Any]):
    text = serializers.CharField()
    label = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    labels = serializers.ListField(child=serializers.CharField())


class IntentCorrectionView(APIView):
    """One's own correction of a customer's message: read, say, take back."""

    @extend_schema(responses=IntentCorrection)
    def get(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        return _answer(corrections.correction_get, request, conversation_id, seq)

    @extend_schema(request=IntentInput, responses=IntentCorrection)
    def put(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        require(request, "support.correct_intents")
        body = IntentInput(data=body_of(request))
        body.is_valid(raise_exception=True)
        return _answer(
            corrections.intent_correct, request, conversation_id, seq, **body.validated_data
        )

    @extend_schema(request=None, responses=IntentCorrection)
    def delete(self, request: Request, conversation_id: uuid.UUID, seq: int) -> Response:
        return _answer(corrections.intent_correction_undo, request, conversation_id, seq)


def _answer(
    service: Any, request: Request, conversation_id: uuid.UUID, seq: int, **more: Any
) -> Response:
    require(request, "support.correct_intents")
    found = service(conversation_id=conversation_id, seq=seq, operator=signed_in(request), **more)
    label = found.given.new_label if found.given else None
    return Response({"text": found.message.text, "label": label, "labels": found.labels})


urlpatterns = [
    path(
        "conversations/<uuid:conversation_id>/messages/<int:seq>/intent/",
        IntentCorrectionView.as_view(),
        name="api-intent-correction",
    ),
]
