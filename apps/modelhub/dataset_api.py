"""Endpoints of data sets under ``/api/v1/models/data/``, for team leads."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.api import JobSerializer
from apps.modelhub import selectors, uploads
from apps.modelhub.access import require
from apps.modelhub.dataset_views import export
from apps.modelhub.models import DataKind, DataSet, DataSetVersion
from apps.modelhub.selectors.data_reports import report_get, report_job
from apps.modelhub.services import datasets
from apps.modelhub.services.data_reports import report_start
from apps.modelhub.shown_rows import ShownRow, shown_row
from apps.modelhub.sight import version_seen
from apps.modelhub.uploaded_rows import FIELDS
from ml.data.row_kinds import shown, text_of, value_of
from ml.data.versions import difference

_SHOWN = 100


class DataSetSerializer(serializers.ModelSerializer[DataSet]):
    versions = serializers.SerializerMethodField()

    class Meta:
        model = DataSet
        fields = ["id", "name", "task", "kind", "frozen_rows", "created_at", "versions"]
        read_only_fields = ["frozen_rows", "created_at"]

    def get_versions(self, dataset: DataSet) -> list[int]:
        return [version.number for version in dataset.versions.all()]


class DataSetInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    task = serializers.CharField(max_length=60)
    kind = serializers.ChoiceField(
        choices=DataKind.choices,
        required=False,
        help_text="what is said of a text; that of the task's model, without",
    )


class DataSetVersionSerializer(serializers.ModelSerializer[DataSetVersion]):
    class Meta:
        model = DataSetVersion
        fields = ["dataset", "number", "sha256", "rows", "counts", "parent", "origin", "created_at"]
        read_only_fields = fields


class FileInput(serializers.Serializer[Any]):
    file = serializers.FileField(required=False, help_text="CSV or JSONL; of entities CoNLL")
    text = serializers.CharField(required=False, help_text="the column with the text")
    label = serializers.CharField(  # type: ignore[assignment]
        required=False, help_text="the column with the label"
    )
    labels = serializers.CharField(required=False, help_text="the column with several labels")
    spans = serializers.CharField(required=False, help_text="the column with entities of a text")
    tokens = serializers.CharField(required=False, help_text="the column with words")
    tags = serializers.CharField(required=False, help_text="the column with their BIO tags")
    positive = serializers.CharField(
        required=False, help_text="of pairs the column with what belongs to the text"
    )
    negative = serializers.CharField(
        required=False, help_text="of pairs the column with what does not belong to it"
    )
    entities = serializers.CharField(
        required=False, help_text="of targeted sentiment the column with companies and labels"
    )
    skip_bad = serializers.BooleanField(default=False)


class ReportOutput(serializers.Serializer[Any]):
    job = serializers.UUIDField(allow_null=True, help_text="the last job that makes or made it")
    report = serializers.DictField(allow_null=True)


class VersionInput(FileInput):
    base = serializers.ChoiceField(choices=datasets.BASES, default="latest")
    corrections = serializers.BooleanField(default=False, help_text="with a file")


class DifferenceOutput(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    relabelled = serializers.IntegerField()
    rows = serializers.DictField(help_text="the first of each")


def body_of(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(body.validated_data)
    return values


def file_of(request: Request, values: dict[str, Any]) -> dict[str, Any]:
    """An upload of the request's file, and what its columns are."""
    upload = uploads.upload_create(owner=signed_in(request), file=values.get("file"))
    mapping = {field: values[field] for field in FIELDS if values.get(field)}
    return {"upload": upload, "mapping": mapping, "skip_bad": values["skip_bad"]}


class DataSetListView(APIView):
    """Data sets with the numbers of their versions."""

    @extend_schema(responses=DataSetSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.change_datasets")
        return Response(DataSetSerializer(selectors.dataset_list(), many=True).data)

    @extend_schema(request=DataSetInput, responses={201: DataSetSerializer})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.change_datasets")
        values = body_of(DataSetInput, request)
        dataset = datasets.dataset_create(actor=signed_in(request), **values)
        return Response(DataSetSerializer(dataset).data, status=201)


class FrozenView(APIView):
    """The rows that every version of a data set is measured by."""

    parser_classes = [MultiPartParser]

    @extend_schema(request=FileInput, responses=DataSetSerializer)
    def put(self, request: Request, dataset_id: int) -> Response:
        require(request, "modelhub.change_datasets")
        dataset = selectors.dataset_get(dataset_id=dataset_id)
        given = file_of(request, body_of(FileInput, request))
        dataset = datasets.dataset_freeze(actor=signed_in(request), dataset=dataset, **given)
        return Response(DataSetSerializer(dataset).data)


class VersionListView(APIView):
    """Versions of a data set, the last first; POST makes one."""

    parser_classes = [JSONParser, MultiPartParser, FormParser]

    @extend_schema(
        responses=DataSetVersionSerializer(many=True), operation_id="models_data_versions_list"
    )
    def get(self, request: Request, dataset_id: int) -> Response:
        require(request, "modelhub.change_datasets")
        dataset = selectors.dataset_get(dataset_id=dataset_id)
        return Response(DataSetVersionSerializer(dataset.versions.all(), many=True).data)

    @extend_schema(request=VersionInput, responses={201: DataSetVersionSerializer})
    def post(self, request: Request, dataset_id: int) -> Response:
        """Of a file (multipart), or of a base and all corrections so far."""
        require(request, "modelhub.change_datasets")
        dataset = selectors.dataset_get(dataset_id=dataset_id)
        values, actor = body_of(VersionInput, request), signed_in(request)
        if values.get("file") is not None:
            version = datasets.version_from_upload(
                actor=actor,
                dataset=dataset,
                corrections=values["corrections"],
                **file_of(request, values),
            )
        else:
            version = datasets.version_extend(actor=actor, dataset=dataset, base=values["base"])
        return Response(DataSetVersionSerializer(version).data, status=201)


class VersionView(APIView):
    """One version with its statistics."""

    @extend_schema(responses=DataSetVersionSerializer)
    def get(self, request: Request, dataset_id: int, number: int) -> Response:
        require(request, "modelhub.change_datasets")
        found = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
        return Response(DataSetVersionSerializer(found).data)


class VersionRowsView(APIView):
    """The rows of a version as JSONL, or entities as CoNLL, without those that the caller may not
    read."""

    @extend_schema(
        parameters=[OpenApiParameter("form", str, enum=["jsonl", "conll"])],
        responses={(200, "application/jsonl"): str},
    )
    def get(self, request: Request, dataset_id: int, number: int) -> HttpResponse:
        require(request, "modelhub.change_datasets")
        version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
        return export(version, signed_in(request), request.query_params.get("form", "jsonl"))


class VersionDifferenceView(APIView):
    """What changed from the version ``other`` to the version ``number``."""

    @extend_schema(responses=DifferenceOutput)
    def get(self, request: Request, dataset_id: int, number: int, other: int) -> Response:
        require(request, "modelhub.change_datasets")
        old, new = (
            version_seen(
                signed_in(request),
                selectors.dataset_version_get(dataset_id=dataset_id, number=wanted),
            )
            for wanted in (other, number)
        )
        found = difference(old, new)
        rows: dict[str, Any] = {
            name: [
                {"text": row.text, "label": row.label} for row in map(shown_row, changed[:_SHOWN])
            ]
            for name, changed in (("added", found.added), ("removed", found.removed))
        }
        rows["relabelled"] = [
            {
                "text": text_of(after),
                "old": shown(before, value_of(before)),
                "new": shown(after, value_of(after)),
            }
            for before, after in found.relabelled[:_SHOWN]
        ]
        numbers = {
            "added": len(found.added),
            "removed": len(found.removed),
            "relabelled": len(found.relabelled),
        }
        return Response({**numbers, "rows": rows})


class VersionReportView(APIView):
    """What is wrong with a version: repeats, leakage, suspect labels, without the rows that the
    caller may not read. POST lets a worker look for it."""

    @extend_schema(responses=ReportOutput)
    def get(self, request: Request, dataset_id: int, number: int) -> Response:
        require(request, "modelhub.change_datasets")
        version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
        job = report_job(version=version)
        found = report_get(version=version, person=signed_in(request))
        return Response(
            {"job": job.id if job else None, "report": found and _plain(found)},
        )

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request: Request, dataset_id: int, number: int) -> Response:
        require(request, "modelhub.change_datasets")
        version = selectors.dataset_version_get(dataset_id=dataset_id, number=number)
        job = report_start(actor=signed_in(request), version=version)
        return Response(JobSerializer(job).data, status=202)


def _plain(report: dict[str, Any]) -> dict[str, Any]:
    """A report with its rows as text and label."""

    def said(row: ShownRow) -> dict[str, str]:
        return {"text": row.text, "label": row.label}

    leaks = [[said(pair["first"]), said(pair["second"])] for pair in report["leaks"]]
    rows = {
        name: [{**one, "row": said(one["row"])} for one in report[name]]
        for name in ("suspects", "odd_mentions")
    }
    return {**report, "leaks": leaks, **rows}


_VERSION = "data/<int:dataset_id>/versions/<int:number>/"
urlpatterns = [
    path("data/", DataSetListView.as_view(), name="api-datasets"),
    path("data/<int:dataset_id>/frozen/", FrozenView.as_view(), name="api-dataset-frozen"),
    path("data/<int:dataset_id>/versions/", VersionListView.as_view(), name="api-dataset-versions"),
    path(_VERSION, VersionView.as_view(), name="api-dataset-version"),
    path(f"{_VERSION}report/", VersionReportView.as_view(), name="api-dataset-report"),
    path(f"{_VERSION}rows/", VersionRowsView.as_view(), name="api-dataset-rows"),
    path(
        f"{_VERSION}difference/<int:other>/",
        VersionDifferenceView.as_view(),
        name="api-dataset-difference",
    ),
]
