"""``/api/v1/recommend/``: how well Discover recommends, and one reader's page taken apart."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.selectors import signed_in
from apps.core.api import JobSerializer
from apps.core.errors import NotFound
from apps.recommend import evaluation_reports, selectors
from apps.recommend.evaluation_job import PROTOCOLS, evaluation_start
from apps.recommend.playground import play
from apps.recommend.team_api import TeamView


class EvaluationInput(serializers.Serializer[Any]):
    protocol = serializers.ChoiceField(choices=PROTOCOLS, default=PROTOCOLS[0])


class ReportSerializer(serializers.Serializer[Any]):
    """A report; ``problem`` says why its file cannot be read."""

    name = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    protocol = serializers.CharField(allow_blank=True)
    problem = serializers.CharField(allow_blank=True)


class ReportBodySerializer(ReportSerializer):
    """``body`` is what ``evaluate_recommender --output`` writes."""

    body = serializers.DictField()


class CandidateSerializer(serializers.Serializer[Any]):
    item_id = serializers.CharField()
    title = serializers.CharField()
    amount = serializers.FloatField()


class SourceSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    words = serializers.CharField()
    candidates = CandidateSerializer(many=True)


class PartSerializer(serializers.Serializer[Any]):
    words = serializers.CharField()
    amount = serializers.FloatField()


class PlacedSerializer(serializers.Serializer[Any]):
    """An item of the first row; ``before`` is its place without rules, ``null`` if it has none,
    ``chance`` that with which its place shows it."""

    item_id = serializers.CharField()
    title = serializers.CharField()
    place = serializers.IntegerField()
    before = serializers.IntegerField(allow_null=True)
    score = serializers.FloatField()
    chance = serializers.FloatField()
    parts = PartSerializer(many=True)
    rules = serializers.ListField(child=serializers.CharField())
    for_new = serializers.BooleanField()


class HiddenSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    rules = serializers.ListField(child=serializers.CharField())


class PlaySerializer(serializers.Serializer[Any]):
    """What each source puts forward, and the first row with the parts of each score."""

    arm = serializers.CharField(allow_blank=True)
    deeds = serializers.IntegerField()
    eligible = serializers.IntegerField()
    items = serializers.IntegerField()
    sources = SourceSerializer(many=True)
    shown = PlacedSerializer(many=True)
    hidden = HiddenSerializer(many=True)


class EvaluationListView(TeamView):
    """The reports, newest first; a POST starts the job that measures on this catalogue."""

    serializer_class = ReportSerializer

    @extend_schema(operation_id="recommend_evaluations_list", responses=ReportSerializer(many=True))
    def get(self, request: Request) -> Response:
        return Response([_told(report) for report in evaluation_reports.reports()])

    @extend_schema(request=EvaluationInput, responses={202: JobSerializer})
    def post(self, request: Request) -> Response:
        body = EvaluationInput(data=request.data)
        body.is_valid(raise_exception=True)
        job = evaluation_start(actor=signed_in(request), protocol=body.validated_data["protocol"])
        return Response(JobSerializer(job).data, status=202)


class EvaluationView(TeamView):
    """One report with all its figures."""

    serializer_class = ReportBodySerializer

    def get(self, request: Request, name: str) -> Response:
        report = evaluation_reports.report_get(name)
        return Response(_told(report) | {"body": report.body})


class PlaygroundView(TeamView):
    """One reader's page taken apart; of a newcomer when no reader is named."""

    serializer_class = PlaySerializer

    @extend_schema(parameters=[OpenApiParameter("reader")])
    def get(self, request: Request) -> Response:
        name = request.query_params.get("reader", "").strip()
        reader = selectors.reader_named(name=name) if name else None
        if name and reader is None:
            raise NotFound("There is no reader %(name)r.", code="unknown_reader", name=name[:80])
        found = asdict(play(reader))
        for source in found["sources"]:
            source["words"] = source.pop("label")
        for placed in found["shown"]:
            placed["parts"] = [
                {"words": words, "amount": amount} for words, amount in placed["parts"]
            ]
        found["hidden"] = [{"title": title, "rules": rules} for title, rules in found["hidden"]]
        return Response(found)


def _told(report: evaluation_reports.Report) -> dict[str, Any]:
    return {
        "name": report.name,
        "at": report.at,
        "protocol": report.body.get("protocol", ""),
        "problem": report.problem,
    }


urlpatterns = [
    path("evaluations/", EvaluationListView.as_view(), name="api-recommend-evaluations"),
    path("evaluations/<str:name>/", EvaluationView.as_view(), name="api-recommend-evaluation"),
    path("playground/", PlaygroundView.as_view(), name="api-recommend-playground"),
]
