"""The endpoint that tells what is in a file of labelled texts, before anything is stored."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.modelhub import selectors, uploads
from apps.modelhub.access import require
from apps.modelhub.dataset_api import FileInput, body_of, file_of


class PreviewOutput(serializers.Serializer[Any]):
    columns = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(help_text="the column of each field, as chosen or guessed")
    rows = serializers.IntegerField(help_text="that can be used")
    bad = serializers.IntegerField()
    problems = serializers.ListField(child=serializers.CharField(), help_text="the first, by row")
    counts = serializers.DictField(help_text="rows by label")
    shown = serializers.ListField(child=serializers.DictField(), help_text="the first rows")


class PreviewView(APIView):
    """What is in a file, before any of it is stored: columns, first rows, what is wrong where."""

    parser_classes = [MultiPartParser]

    @extend_schema(request=FileInput, responses=PreviewOutput)
    def post(self, request: Request, dataset_id: int) -> Response:
        require(request, "modelhub.change_datasets")
        dataset = selectors.dataset_get(dataset_id=dataset_id)
        given = file_of(request, body_of(FileInput, request))
        found = uploads.upload_preview(
            upload=given["upload"],
            task=dataset.task,
            kind=dataset.kind,
            mapping=given["mapping"],
        )
        shown = [{"text": row.text, "label": row.label} for row in found.shown]
        return Response(
            {
                "columns": found.columns,
                "mapping": found.mapping,
                "rows": len(found.rows),
                "bad": found.bad,
                "problems": found.problems,
                "counts": found.counts,
                "shown": shown,
            }
        )


urlpatterns = [
    path("data/<int:dataset_id>/preview/", PreviewView.as_view(), name="api-dataset-preview"),
]
