"""Endpoints of the nightly loop, under ``/api/v1/models/nightly/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.modelhub import selectors
from apps.modelhub.access import require
from apps.modelhub.models import Night, NightlyLoop
from apps.modelhub.selectors.nightly import (
    loop_get,
    loop_list,
    new_corrections,
    night_get,
    night_list,
)
from apps.modelhub.services import nightly
from apps.modelhub.services.runs import METHODS, MOST_EPOCHS, RECIPES

_SHOWN = 100


class NightlyLoopSerializer(serializers.ModelSerializer[NightlyLoop]):
    new_corrections = serializers.SerializerMethodField()

    class Meta:
        model = NightlyLoop
        fields = [
            *("task", "dataset", "enabled", "least_new", "hour", "method", "recipe", "epochs"),
            *("new_corrections", "updated_at"),
        ]
        read_only_fields = fields

    def get_new_corrections(self, loop: NightlyLoop) -> int:
        return new_corrections(dataset=loop.dataset)


class NightlyLoopInput(serializers.Serializer[Any]):
    dataset = serializers.IntegerField(help_text="the data set whose task the loop is of")
    enabled = serializers.BooleanField()
    least_new = serializers.IntegerField(min_value=1, max_value=nightly.MOST_NEW, default=50)
    hour = serializers.IntegerField(min_value=0, max_value=23, default=2)
    method = serializers.ChoiceField(choices=METHODS, default="lora")
    recipe = serializers.ChoiceField(choices=RECIPES, default="plain")
    epochs = serializers.FloatField(
        min_value=0, max_value=MOST_EPOCHS, allow_null=True, default=None
    )


class NightSerializer(serializers.ModelSerializer[Night]):
    task = serializers.CharField(source="loop.task", read_only=True)

    class Meta:
        model = Night
        fields = [
            *("id", "task", "state", "corrections", "run", "problem", "started_at", "ended_at"),
        ]
        read_only_fields = fields


class NightlyView(APIView):
    """The loops that are set; PUT sets the loop of a data set's task."""

    @extend_schema(responses=NightlyLoopSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.change_runs")
        return Response(NightlyLoopSerializer(loop_list(), many=True).data)

    @extend_schema(request=NightlyLoopInput, responses=NightlyLoopSerializer)
    def put(self, request: Request) -> Response:
        require(request, "modelhub.change_runs")
        body = NightlyLoopInput(data=request.data)
        body.is_valid(raise_exception=True)
        values = dict(body.validated_data)
        dataset = selectors.dataset_get(dataset_id=values.pop("dataset"))
        loop = nightly.loop_set(actor=signed_in(request), dataset=dataset, **values)
        return Response(NightlyLoopSerializer(loop).data)


class NightListView(APIView):
    """The last nights, newest first."""

    @extend_schema(responses=NightSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.change_runs")
        return Response(NightSerializer(night_list()[:_SHOWN], many=True).data)


class NightBeginView(APIView):
    """Begin a night of a task now."""

    @extend_schema(request=None, responses={201: NightSerializer})
    def post(self, request: Request, task: str) -> Response:
        require(request, "modelhub.change_runs")
        night = nightly.night_begin(loop=loop_get(task=task), actor=signed_in(request))
        return Response(NightSerializer(night).data, status=201)


class NightPromoteView(APIView):
    """Serve what a night trained that passed its gate."""

    @extend_schema(request=None, responses=NightSerializer)
    def post(self, request: Request, night_id: int) -> Response:
        require(request, "modelhub.promote")
        night = nightly.night_promote(night=night_get(night_id=night_id), actor=signed_in(request))
        return Response(NightSerializer(night).data)


class NightDismissView(APIView):
    """Let be what a night trained."""

    @extend_schema(request=None, responses=NightSerializer)
    def post(self, request: Request, night_id: int) -> Response:
        require(request, "modelhub.promote")
        night = nightly.night_dismiss(night=night_get(night_id=night_id), actor=signed_in(request))
        return Response(NightSerializer(night).data)


urlpatterns = [
    path("nightly/", NightlyView.as_view(), name="api-nightly"),
    path("nightly/nights/", NightListView.as_view(), name="api-nights"),
    path(
        "nightly/nights/<int:night_id>/promote/",
        NightPromoteView.as_view(),
        name="api-night-promote",
    ),
    path(
        "nightly/nights/<int:night_id>/dismiss/",
        NightDismissView.as_view(),
        name="api-night-dismiss",
    ),
    path("nightly/<str:task>/begin/", NightBeginView.as_view(), name="api-night-begin"),
]
