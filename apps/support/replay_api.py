"""Replays of recent messages under ``/api/v1/support/replays/``."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.jobs import job_payload
from apps.support.endpoints import Anything, require, valid
from apps.support.selectors import replays as selectors
from apps.support.services.replays import replay_start

_NEEDED = "support.replay_bot"
_LISTED = 50


class ReplayInput(serializers.Serializer[Any]):
    number = serializers.IntegerField(default=200, help_text="of messages, the last ones")
    version = serializers.CharField(max_length=100, allow_null=True, default=None)
    thresholds = serializers.DictField(child=serializers.FloatField(), default=dict)
    flows = serializers.ListField(child=serializers.IntegerField(), default=list, max_length=50)


class ReplaysView(APIView):
    """Past replays; start one against a candidate."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, _NEEDED)
        jobs = selectors.replay_list()[:_LISTED]
        return Response([job_payload(job) | {"result": None} for job in jobs])

    @extend_schema(request=ReplayInput, responses=Anything)
    def post(self, request: Request) -> Response:
        require(request, _NEEDED)
        job = replay_start(actor=signed_in(request), **valid(ReplayInput, request))
        return Response(job_payload(job), status=202)


class ReplayView(APIView):
    """One replay: its progress, then what would change."""

    @extend_schema(responses=Anything)
    def get(self, request: Request, job_id: UUID) -> Response:
        require(request, _NEEDED)
        job = selectors.replay_get(job_id=job_id)
        found = job_payload(job)
        if job.status == job.Status.SUCCEEDED and job.result:
            changes = selectors.replay_changes(job=job, operator=signed_in(request))
            found["result"] = job.result | {"changes": changes}
        return Response(found)


urlpatterns = [
    path("replays/", ReplaysView.as_view(), name="api-replays"),
    path("replays/<uuid:job_id>/", ReplayView.as_view(), name="api-replay"),
]
