"""Endpoints of webhooks: making them, and the address that sources post to."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.market import serializers
from apps.market.access import AnalystView, validated
from apps.market.models import Source
from apps.market.services.hooks import (
    LARGEST,
    hook_receive,
    webhook_create,
    webhook_renew_secret,
)


class WebhookListView(AnalystView):
    """Add a webhook; its secret is in the answer this once."""

    serializer_class = serializers.SourceSerializer

    @extend_schema(request=serializers.WebhookInput)
    def post(self, request: Request) -> Response:
        data = validated(serializers.WebhookInput(data=request.data))
        source, secret = webhook_create(actor=request.user, name=data["name"])
        return Response(_told(source, secret), status=201)


class WebhookSecretView(AnalystView):
    """Give a webhook a new secret, shown this once."""

    serializer_class = serializers.SourceSerializer

    @extend_schema(request=None)
    def post(self, request: Request, source_id: int) -> Response:
        source, secret = webhook_renew_secret(actor=request.user, source_id=source_id)
        return Response(_told(source, secret))


def _told(source: Source, secret: str) -> dict[str, Any]:
    return {**serializers.SourceSerializer(source).data, "secret": secret}


class HookView(APIView):
    """Where a source posts its articles, signed as Standard Webhooks 1.0.0 says.

    No account is needed: the signature says who it is. Answers as ``POST articles/`` does.
    """

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    @extend_schema(
        request=serializers.NewsArticleInput(many=True), responses=serializers.IngestResult
    )
    def post(self, request: Request, source_id: int) -> Response:
        body = request._request.read(LARGEST + 1)
        answer = hook_receive(source_id=source_id, headers=request.headers, body=body)
        bad = answer["invalid"]
        return Response(answer, status=200 if not bad else 207)
