"""Endpoints of digests, each its owner's alone."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.models import Digest
from apps.market.selectors.digests import digest_list
from apps.market.services.digests import digest_create, digest_delete


class DigestSerializer(serializers.ModelSerializer[Digest]):
    class Meta:
        model = Digest
        fields = ["id", "channel", "every", "hour", "time_zone", "covered_until", "next_at"]
        read_only_fields = fields


class DigestInput(serializers.Serializer[Any]):
    channel = serializers.IntegerField(source="channel_id")
    every = serializers.CharField()
    hour = serializers.IntegerField(required=False)
    time_zone = serializers.CharField(required=False)


class DigestListView(AnalystView):
    """The caller's digests; POST adds one to a channel."""

    serializer_class = DigestSerializer

    @extend_schema(responses=DigestSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = digest_list(owner=request.user)
        return Response({"results": DigestSerializer(found, many=True).data})

    @extend_schema(request=DigestInput)
    def post(self, request: Request) -> Response:
        data = validated(DigestInput(data=request.data))
        digest = digest_create(actor=request.user, **data)
        return Response(DigestSerializer(digest).data, status=201)


class DigestView(AnalystView):
    """DELETE ends one of the caller's digests."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, digest_id: int) -> Response:
        digest_delete(actor=request.user, digest_id=digest_id)
        return Response(status=204)
