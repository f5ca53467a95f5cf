"""Endpoints of runs under ``/api/v1/models/runs/``, for team leads."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.jobs import job_payload
from apps.modelhub import selectors
from apps.modelhub.access import require
from apps.modelhub.compare_api import RunCompareView
from apps.modelhub.models import Run
from apps.modelhub.services import runs
from apps.modelhub.sight import Reader

_SHOWN = 100


class RunInput(serializers.Serializer[Any]):
    dataset = serializers.IntegerField()
    number = serializers.IntegerField()
    method = serializers.ChoiceField(choices=runs.METHODS, default="lora")
    base = serializers.CharField(required=False)
    epochs = serializers.FloatField(required=False)
    learning_rate = serializers.FloatField(required=False)
    recipe = serializers.ChoiceField(choices=runs.RECIPES, default="plain")
    advanced = serializers.CharField(required=False, allow_blank=True, help_text="TOML")


class RunSerializer(serializers.ModelSerializer[Run]):
    state = serializers.CharField(read_only=True)
    job = serializers.SerializerMethodField()
    warnings = serializers.SerializerMethodField(help_text="what should be known of its rows")
    result = serializers.SerializerMethodField(
        help_text="without the rows that the caller may not read"
    )

    class Meta:
        model = Run
        fields = [
            *("id", "task", "dataset_version", "base", "method", "options", "advanced", "state"),
            *("job", "estimate_seconds", "seconds", "version", "gate", "warnings"),
            *("result", "created_at"),
        ]
        read_only_fields = fields

    def get_job(self, run: Run) -> dict[str, Any] | None:
        return job_payload(run.job) if run.job else None

    def get_warnings(self, run: Run) -> list[str]:
        return selectors.run_warnings(run=run)

    def get_result(self, run: Run) -> dict[str, Any]:
        reader: Reader = self.context["reader"]
        return reader.result(run)


def _for(request: Request) -> dict[str, Any]:
    """The context of a run, whose rows are shown to who may read them."""
    return {"reader": Reader(signed_in(request))}


class RunListView(APIView):
    """The last runs; POST queues one."""

    @extend_schema(responses=RunSerializer(many=True), operation_id="models_runs_list")
    def get(self, request: Request) -> Response:
        require(request, "modelhub.change_runs")
        found = selectors.run_list(task=request.query_params.get("task", ""))[:_SHOWN]
        return Response(RunSerializer(found, many=True, context=_for(request)).data)

    @extend_schema(request=RunInput, responses={201: RunSerializer})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.change_runs")
        body = RunInput(data=request.data)
        body.is_valid(raise_exception=True)
        values: dict[str, Any] = dict(body.validated_data)
        version = selectors.dataset_version_get(
            dataset_id=values.pop("dataset"), number=values.pop("number")
        )
        run = runs.run_start(actor=signed_in(request), version=version, **values)
        return Response(RunSerializer(run, context=_for(request)).data, status=201)


class RunView(APIView):
    """One run: how far it is and what came of it; DELETE cancels it."""

    @extend_schema(responses=RunSerializer)
    def get(self, request: Request, run_id: int) -> Response:
        require(request, "modelhub.change_runs")
        return Response(RunSerializer(selectors.run_get(run_id=run_id), context=_for(request)).data)

    @extend_schema(request=None, responses={200: RunSerializer})
    def delete(self, request: Request, run_id: int) -> Response:
        require(request, "modelhub.change_runs")
        run = selectors.run_get(run_id=run_id)
        return Response(
            RunSerializer(
                runs.run_cancel(actor=signed_in(request), run=run), context=_for(request)
            ).data
        )


class RunResumeView(APIView):
    """Go on with a run that failed or was cancelled, from its last checkpoint."""

    @extend_schema(request=None, responses=RunSerializer)
    def post(self, request: Request, run_id: int) -> Response:
        require(request, "modelhub.change_runs")
        run = selectors.run_get(run_id=run_id)
        return Response(
            RunSerializer(
                runs.run_resume(actor=signed_in(request), run=run), context=_for(request)
            ).data
        )


urlpatterns = [
    path("runs/", RunListView.as_view(), name="api-runs"),
    path("runs/compare/", RunCompareView.as_view(), name="api-runs-compare"),
    path("runs/<int:run_id>/", RunView.as_view(), name="api-run"),
    path("runs/<int:run_id>/resume/", RunResumeView.as_view(), name="api-run-resume"),
]
