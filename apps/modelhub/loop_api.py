"""Endpoints of data sets and runs under ``/api/v1/models/``, for team leads."""

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
from apps.core.jobs import job_payload
from apps.modelhub import selectors, uploads
from apps.modelhub.access import require
from apps.modelhub.compare_api import RunCompareView
from apps.modelhub.dataset_views import export
from apps.modelhub.models import DataSet, DataSetVersion, LabelQueue, Run
from apps.modelhub.services import datasets, runs
from apps.modelhub.shown_rows import shown_row
from apps.modelhub.sight import Reader, version_seen
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
        choices=LabelQueue.Kind.choices,
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
    skip_bad = serializers.BooleanField(default=False)


class VersionInput(FileInput):
    base = serializers.ChoiceField(choices=datasets.BASES, default="latest")
    corrections = serializers.BooleanField(default=False, help_text="with a file")


class DifferenceOutput(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    relabelled = serializers.IntegerField()
    rows = serializers.DictField(help_text="the first of each")


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
    result = serializers.SerializerMethodField(
        help_text="without the rows that the caller may not read"
    )

    class Meta:
        model = Run
        fields = [
            *("id", "task", "dataset_version", "base", "method", "options", "advanced", "state"),
            *("job", "estimate_seconds", "seconds", "version", "gate", "result", "created_at"),
        ]
        read_only_fields = fields

    def get_job(self, run: Run) -> dict[str, Any] | None:
        return job_payload(run.job) if run.job else None

    def get_result(self, run: Run) -> dict[str, Any]:
        reader: Reader = self.context["reader"]
        return reader.result(run)


def _for(request: Request) -> dict[str, Any]:
    """The context of a run, whose rows are shown to who may read them."""
    return {"reader": Reader(signed_in(request))}


def _body(shape: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    body = shape(data=request.data)
    body.is_valid(raise_exception=True)
    values: dict[str, Any] = dict(body.validated_data)
    return values


def _file(request: Request, values: dict[str, Any]) -> dict[str, Any]:
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
        values = _body(DataSetInput, request)
        dataset = datasets.dataset_create(actor=signed_in(request), **values)
        return Response(DataSetSerializer(dataset).data, status=201)


class FrozenView(APIView):
    """The rows that every version of a data set is measured by."""

    parser_classes = [MultiPartParser]

    @extend_schema(request=FileInput, responses=DataSetSerializer)
    def put(self, request: Request, dataset_id: int) -> Response:
        require(request, "modelhub.change_datasets")
        dataset = selectors.dataset_get(dataset_id=dataset_id)
        given = _file(request, _body(FileInput, request))
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
        values, actor = _body(VersionInput, request), signed_in(request)
        if values.get("file") is not None:
            version = datasets.version_from_upload(
                actor=actor,
                dataset=dataset,
                corrections=values["corrections"],
                **_file(request, values),
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
        values = _body(RunInput, request)
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


_VERSION = "data/<int:dataset_id>/versions/<int:number>/"
urlpatterns = [
    path("data/", DataSetListView.as_view(), name="api-datasets"),
    path("data/<int:dataset_id>/frozen/", FrozenView.as_view(), name="api-dataset-frozen"),
    path("data/<int:dataset_id>/versions/", VersionListView.as_view(), name="api-dataset-versions"),
    path(_VERSION, VersionView.as_view(), name="api-dataset-version"),
    path(f"{_VERSION}rows/", VersionRowsView.as_view(), name="api-dataset-rows"),
    path(
        f"{_VERSION}difference/<int:other>/",
        VersionDifferenceView.as_view(),
        name="api-dataset-difference",
    ),
    path("runs/", RunListView.as_view(), name="api-runs"),
    path("runs/compare/", RunCompareView.as_view(), name="api-runs-compare"),
    path("runs/<int:run_id>/", RunView.as_view(), name="api-run"),
    path("runs/<int:run_id>/resume/", RunResumeView.as_view(), name="api-run-resume"),
]
