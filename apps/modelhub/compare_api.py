"""``/api/v1/models/runs/compare/``: runs side by side, for team leads."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import Conflict
from apps.modelhub.access import require
from apps.modelhub.compare_views import run_ids, wanted_rows
from apps.modelhub.comparing import VERDICTS, rows_changed, runs_compare
from ml.runs.comparing import Changed

_PER_PAGE = 100


class SettingOutput(serializers.Serializer[Any]):
    name = serializers.CharField()
    values = serializers.ListField(child=serializers.CharField(), help_text="one a run")
    differs = serializers.BooleanField()


class ChangedOutput(serializers.Serializer[Any]):
    text = serializers.CharField()
    label = serializers.CharField(help_text="the right one")  # type: ignore[assignment]
    said = serializers.ListField(child=serializers.CharField(), help_text="by each compared run")
    right = serializers.ListField(child=serializers.BooleanField())
    confidence = serializers.ListField(child=serializers.FloatField(allow_null=True))


class ComparisonOutput(serializers.Serializer[Any]):
    runs = serializers.ListField(child=serializers.IntegerField())
    compared = serializers.ListField(
        child=serializers.IntegerField(),
        help_text="those that answered the same rows; the others are compared with the first",
    )
    notes = serializers.ListField(child=serializers.CharField(), help_text="what is not, and why")
    settings = SettingOutput(many=True)
    numbers = serializers.DictField(
        allow_null=True, help_text="`rows`, `metrics`, `against` the first, `slices`"
    )
    changed = serializers.IntegerField(help_text="rows that the filter leaves")
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    rows = ChangedOutput(many=True)


class RunCompareView(APIView):
    """Two to four runs side by side, with the rows that they answer differently."""

    @extend_schema(
        parameters=[
            OpenApiParameter("run", int, many=True, required=True, description="two to four"),
            OpenApiParameter("verdict", str, enum=VERDICTS),
            OpenApiParameter("against", int, description="the verdict of this run alone"),
            OpenApiParameter("label", str, description="rows whose right label this is"),
            OpenApiParameter("q", str, description="words in the text"),
            OpenApiParameter("page", int),
        ],
        responses=ComparisonOutput,
        operation_id="models_runs_compare",
    )
    def get(self, request: Request) -> Response:
        require(request, "modelhub.change_runs")
        found = runs_compare(run_ids=run_ids(request.query_params))
        wanted, notes = wanted_rows(request.query_params), found.notes
        rows: list[Changed] = []
        try:
            rows = rows_changed(signed_in(request), found, wanted)
        except Conflict as problem:
            notes = [*notes, problem.message]
        page = Paginator(rows, _PER_PAGE).get_page(request.query_params.get("page"))
        body = {
            "runs": [run.pk for run in found.runs],
            "compared": [run.pk for run in found.compared],
            "notes": notes,
            "settings": found.settings,
            "numbers": found.numbers,
            "changed": len(rows),
            "page": page.number,
            "pages": page.paginator.num_pages,
            "rows": page.object_list,
        }
        return Response(ComparisonOutput(body).data)
