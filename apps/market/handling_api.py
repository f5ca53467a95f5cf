"""The endpoint of what happens to the alerts of a rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.models import Handling
from apps.market.services import handling


class HandlingSerializer(serializers.ModelSerializer[Handling]):
    channels = serializers.SerializerMethodField()

    class Meta:
        model = Handling
        fields = [
            "rule",
            "channels",
            "days",
            "opens",
            "closes",
            "time_zone",
            "outside",
            "max_an_hour",
            "escalate_minutes",
            "escalate_to",
            "escalate_channel",
        ]
        read_only_fields = fields

    def get_channels(self, found: Handling) -> list[int]:
        return list(handling.channel_ids(found))


class HandlingInputSerializer(serializers.Serializer[Any]):
    channels = serializers.ListField(child=serializers.IntegerField(), required=False)
    days = serializers.CharField(required=False, allow_blank=True)
    opens = serializers.TimeField(required=False, allow_null=True)
    closes = serializers.TimeField(required=False, allow_null=True)
    time_zone = serializers.CharField(required=False)
    outside = serializers.CharField(required=False)
    max_an_hour = serializers.IntegerField(required=False)
    escalate_minutes = serializers.IntegerField(required=False)
    escalate_to = serializers.IntegerField(required=False, allow_null=True, source="escalate_to_id")
    escalate_channel = serializers.IntegerField(
        required=False, allow_null=True, source="escalate_channel_id"
    )


class HandlingView(AnalystView):
    """What happens to the alerts of one of the caller's rules; PATCH changes the given fields."""

    serializer_class = HandlingSerializer

    def get(self, request: Request, rule_id: int) -> Response:
        found = handling.handling_own(actor=request.user, rule_id=rule_id)
        return Response(HandlingSerializer(found).data)

    @extend_schema(request=HandlingInputSerializer)
    def patch(self, request: Request, rule_id: int) -> Response:
        data = validated(HandlingInputSerializer(data=request.data))
        if "channels" in data:
            data["channel_ids"] = tuple(data.pop("channels"))
        start = handling.handling_own(actor=request.user, rule_id=rule_id)
        wanted = replace(handling.handling_input(start), **data)
        found = handling.handling_set(actor=request.user, rule_id=rule_id, wanted=wanted)
        return Response(HandlingSerializer(found).data)
