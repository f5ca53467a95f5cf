"""Endpoints of channels and of the log of deliveries, each their owner's alone."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import CursorPagination
from apps.core.errors import InvalidInput
from apps.market.access import AnalystView, validated
from apps.market.models import Channel, Delivery, DeliveryTry
from apps.market.selectors import deliveries
from apps.market.services import channels
from apps.market.services.deliveries import delivery_resend


class ChannelSerializer(serializers.ModelSerializer[Channel]):
    """A channel; its secret is no part of it."""

    address = serializers.CharField(source="address_shown")

    class Meta:
        model = Channel
        fields = ["id", "name", "kind", "address", "enabled", "created_at"]
        read_only_fields = fields


class ChannelInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=Channel.Kind.values)
    address = serializers.CharField(max_length=2000)


class EnabledInput(serializers.Serializer[Any]):
    enabled = serializers.BooleanField()


class TrySerializer(serializers.ModelSerializer[DeliveryTry]):
    error = serializers.CharField(source="error_words", read_only=True)

    class Meta:
        model = DeliveryTry
        fields = ["at", "seconds", "delivered", "status", "error"]
        read_only_fields = fields


class DeliverySerializer(serializers.ModelSerializer[Delivery]):
    error = serializers.CharField(source="error_words", read_only=True)
    tries = TrySerializer(many=True)

    class Meta:
        model = Delivery
        fields = [
            "id",
            "kind",
            "key",
            "state",
            "channel",
            "channel_name",
            "alert",
            "attempts",
            "created_at",
            "due_at",
            "delivered_at",
            "error",
            "tries",
        ]
        read_only_fields = fields


class ChannelListView(AnalystView):
    """The caller's channels; POST adds one and tells a webhook's secret, this once."""

    serializer_class = ChannelSerializer

    @extend_schema(responses=ChannelSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = deliveries.channel_list(owner=request.user)
        return Response({"results": ChannelSerializer(found, many=True).data})

    @extend_schema(request=ChannelInput)
    def post(self, request: Request) -> Response:
        data = validated(ChannelInput(data=request.data))
        channel, secret = channels.channel_create(actor=request.user, **data)
        return Response(_with_secret(channel, secret), status=201)


class ChannelView(AnalystView):
    """One of the caller's channels; PATCH ``{"enabled": false}`` switches it off."""

    serializer_class = ChannelSerializer

    def get(self, request: Request, channel_id: int) -> Response:
        found = channels.channel_own(actor=request.user, channel_id=channel_id)
        return Response(ChannelSerializer(found).data)

    @extend_schema(request=EnabledInput)
    def patch(self, request: Request, channel_id: int) -> Response:
        data = validated(EnabledInput(data=request.data))
        found = channels.channel_switch(actor=request.user, channel_id=channel_id, **data)
        return Response(ChannelSerializer(found).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, channel_id: int) -> Response:
        channels.channel_delete(actor=request.user, channel_id=channel_id)
        return Response(status=204)


class ChannelTestView(AnalystView):
    """Send a test through a channel; the answer is its delivery, whose tries follow."""

    serializer_class = DeliverySerializer

    @extend_schema(request=None)
    def post(self, request: Request, channel_id: int) -> Response:
        delivery = channels.channel_test(actor=request.user, channel_id=channel_id)
        return Response(DeliverySerializer(delivery).data, status=202)


class ChannelSecretView(AnalystView):
    """Give a signed webhook a new secret, told this once."""

    serializer_class = ChannelSerializer

    @extend_schema(request=None)
    def post(self, request: Request, channel_id: int) -> Response:
        found, secret = channels.channel_renew_secret(actor=request.user, channel_id=channel_id)
        return Response(_with_secret(found, secret))


def _with_secret(channel: Channel, secret: str) -> dict[str, Any]:
    told = {"secret": secret} if secret else {}
    return {**ChannelSerializer(channel).data, **told}


class DeliveryListView(AnalystView):
    """The caller's deliveries with each try, newest first (``state``, ``channel``, ``alert``)."""

    serializer_class = DeliverySerializer

    @extend_schema(
        parameters=[OpenApiParameter(name) for name in ("state", "channel", "alert")],
        responses=DeliverySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        found = deliveries.delivery_list(
            owner=request.user,
            state=request.query_params.get("state", ""),
            channel_id=_number(request, "channel"),
            alert_id=_number(request, "alert"),
        )
        pages = CursorPagination()
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response(DeliverySerializer(page, many=True).data)


class DeliveryView(AnalystView):
    """One of the caller's deliveries."""

    serializer_class = DeliverySerializer

    def get(self, request: Request, delivery_id: int) -> Response:
        found = deliveries.delivery_get(owner=request.user, delivery_id=delivery_id)
        return Response(DeliverySerializer(found).data)


class DeliveryResendView(AnalystView):
    """Try a delivery that was given up once more, with its old key."""

    serializer_class = DeliverySerializer

    @extend_schema(request=None)
    def post(self, request: Request, delivery_id: int) -> Response:
        found = delivery_resend(actor=request.user, delivery_id=delivery_id)
        return Response(DeliverySerializer(found).data, status=202)


def _number(request: Request, name: str) -> int | None:
    text = request.query_params.get(name, "")
    if text and not text.isdecimal():
        raise InvalidInput("%(name)s is a number.", fields={name: "no number"}, name=name)
    return int(text) if text else None
