"""``/api/v1/recommend/experiments/``: planning, starting, stopping and reading experiments."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.recommend import team_serializers as serializers
from apps.recommend.experiment_results import experiment_results
from apps.recommend.models import Experiment
from apps.recommend.services import experiments as services
from apps.recommend.team_api import TeamView


def _shown(experiment: Experiment) -> dict[str, Any]:
    return dict(serializers.ExperimentSerializer(experiment).data)


class ExperimentListView(TeamView):
    """All experiments, newest first; a new draft by POST."""

    serializer_class = serializers.ExperimentSerializer

    @extend_schema(
        operation_id="recommend_experiments_list",
        responses=serializers.ExperimentSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        return Response([_shown(experiment) for experiment in Experiment.objects.all()])

    @extend_schema(
        request=serializers.ExperimentInput, responses={201: serializers.ExperimentSerializer}
    )
    def post(self, request: Request) -> Response:
        body = serializers.ExperimentInput(data=request.data)
        body.is_valid(raise_exception=True)
        made = services.experiment_create(actor=request.user, given=body.validated_data)
        return Response(_shown(made), status=201)


class ExperimentView(TeamView):
    """One experiment with its results: sizes at any time, differences once it is complete."""

    serializer_class = serializers.ExperimentSerializer

    def get(self, request: Request, key: str) -> Response:
        experiment = get_object_or_404(Experiment, key=key)
        results = asdict(experiment_results(experiment))
        return Response({**_shown(experiment), "results": results})

    @extend_schema(responses={204: None})
    def delete(self, request: Request, key: str) -> Response:
        experiment = get_object_or_404(Experiment, key=key)
        services.experiment_delete(actor=request.user, experiment=experiment)
        return Response(status=204)


class ExperimentStartView(TeamView):
    """Start a draft."""

    @extend_schema(request=None, responses=serializers.ExperimentSerializer)
    def post(self, request: Request, key: str) -> Response:
        experiment = get_object_or_404(Experiment, key=key)
        return Response(
            _shown(services.experiment_start(actor=request.user, experiment=experiment))
        )


class ExperimentStopView(TeamView):
    """Stop a running experiment."""

    @extend_schema(request=None, responses=serializers.ExperimentSerializer)
    def post(self, request: Request, key: str) -> Response:
        experiment = get_object_or_404(Experiment, key=key)
        return Response(_shown(services.experiment_stop(actor=request.user, experiment=experiment)))


urlpatterns = [
    path("experiments/", ExperimentListView.as_view(), name="api-recommend-experiments"),
    path("experiments/<slug:key>/", ExperimentView.as_view(), name="api-recommend-experiment"),
    path(
        "experiments/<slug:key>/start/",
        ExperimentStartView.as_view(),
        name="api-recommend-experiment-start",
    ),
    path(
        "experiments/<slug:key>/stop/",
        ExperimentStopView.as_view(),
        name="api-recommend-experiment-stop",
    ),
]
