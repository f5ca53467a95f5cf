"""Endpoints of archives that are played as live news, each its owner's alone."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.models import Replay
from apps.market.selectors.replays import replay_get, replay_list
from apps.market.services.replays import replay_change, replay_of_file, replay_of_period


class ReplaySerializer(serializers.ModelSerializer[Replay]):
    class Meta:
        model = Replay
        fields = [
            "id",
            "name",
            "speed",
            "state",
            "number",
            "played",
            "created_at",
            "finished_at",
        ]
        read_only_fields = fields


class ReplayInput(serializers.Serializer[Any]):
    """A file, or the period of stored news from ``since`` until before ``until``."""

    file = serializers.FileField(required=False)
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)
    speed = serializers.FloatField(default=60.0)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if "file" not in data and not ("since" in data and "until" in data):
            raise serializers.ValidationError("A file, or since and until.")
        return data


class ReplayChange(serializers.Serializer[Any]):
    speed = serializers.FloatField(required=False)
    state = serializers.CharField(required=False, help_text="running, paused or cancelled")


class ReplayListView(AnalystView):
    """The caller's replays, newest first; POST begins one."""

    serializer_class = ReplaySerializer

    @extend_schema(responses=ReplaySerializer(many=True))
    def get(self, request: Request) -> Response:
        found = ReplaySerializer(replay_list(owner=request.user)[:100], many=True)
        return Response({"results": found.data})

    @extend_schema(request={"multipart/form-data": ReplayInput, "application/json": ReplayInput})
    def post(self, request: Request) -> Response:
        data = validated(ReplayInput(data=request.data))
        upload = data.pop("file", None)
        if upload is not None:
            replay = replay_of_file(actor=request.user, upload=upload, speed=data["speed"])
        else:
            replay = replay_of_period(actor=request.user, **data)
        return Response(ReplaySerializer(replay).data, status=201)


class ReplayView(AnalystView):
    """How far one of the caller's replays is; PATCH pauses it, lets it go on, cancels it, or
    changes its speed."""

    serializer_class = ReplaySerializer

    def get(self, request: Request, replay_id: int) -> Response:
        replay = replay_get(owner=request.user, replay_id=replay_id)
        return Response(ReplaySerializer(replay).data)

    @extend_schema(request=ReplayChange)
    def patch(self, request: Request, replay_id: int) -> Response:
        data = validated(ReplayChange(data=request.data))
        replay = replay_change(actor=request.user, replay_id=replay_id, **data)
        return Response(ReplaySerializer(replay).data)
