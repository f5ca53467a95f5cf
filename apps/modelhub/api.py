"""``/api/v1/models/``: versions, predictions, labelled examples; data sets in ``dataset_api``."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from asgiref.sync import async_to_sync
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core import gateway
from apps.core.file_answers import FileAnswer, lines_answer
from apps.modelhub import (
    dataset_api,
    dispute_api,
    explain_api,
    preview_api,
    promotion_api,
    run_api,
    selectors,
    services,
)
from apps.modelhub.access import require
from apps.modelhub.changeovers import changeovers
from apps.modelhub.explaining import MAX_CHARACTERS as MAX_EXPLAINED
from apps.modelhub.explaining import explain
from apps.modelhub.models import LabelledExample
from apps.modelhub.payloads import prediction_payload
from apps.modelhub.prediction_schema import PROBLEMS, PredictionsField
from apps.modelhub.selectors.corrections import entity_row, examples_settled
from apps.modelhub.sight import hidden_examples, seen_examples
from ml.data.readers import LabelledText
from ml.data.row_kinds import record_of

MAX_TEXTS = 64
MAX_CHARACTERS = 20_000
TASK_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$"


class VersionSerializer(serializers.Serializer[Any]):
    task = serializers.CharField()
    version = serializers.CharField()
    active = serializers.BooleanField()
    problem = serializers.CharField()


class ChangeoverSerializer(serializers.Serializer[Any]):
    app = serializers.CharField()
    answering = serializers.CharField(help_text="the version whose vectors answer until then")
    done = serializers.IntegerField()
    total = serializers.IntegerField(help_text="0 before it has begun to count")
    what = serializers.CharField()
    process = serializers.BooleanField(
        help_text="each server process does this by itself: the numbers are of the one asked"
    )


class VersionDetailSerializer(VersionSerializer):
    run = serializers.IntegerField(allow_null=True, help_text="the run that made it, if one did")
    gate = serializers.DictField(
        help_text="the verdict of its run: checks, slices, details of apps"
    )
    changeovers = ChangeoverSerializer(
        many=True,
        help_text="of a live encoder: apps that are making their vectors anew by it",
    )


class PredictInput(serializers.Serializer[Any]):
    task = serializers.RegexField(TASK_NAME)
    texts = serializers.ListField(
        child=serializers.CharField(max_length=MAX_CHARACTERS, allow_blank=True),
        min_length=1,
        max_length=MAX_TEXTS,
    )


class PredictOutput(serializers.Serializer[Any]):
    predictions = PredictionsField()


class ExplainInput(serializers.Serializer[Any]):
    task = serializers.RegexField(TASK_NAME)
    text = serializers.CharField(max_length=MAX_EXPLAINED)
    label = serializers.CharField(max_length=120, required=False)  # type: ignore[assignment]


class PieceSerializer(serializers.Serializer[Any]):
    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    score = serializers.FloatField()
    level = serializers.IntegerField(min_value=-5, max_value=5)


class ExplainOutput(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    confidence = serializers.FloatField()
    method = serializers.CharField()
    version = serializers.CharField()
    text = serializers.CharField()
    pieces = PieceSerializer(many=True)


class ExampleSerializer(serializers.ModelSerializer[LabelledExample]):
    hidden = serializers.SerializerMethodField(
        help_text="of a conversation that the caller may not see; the text is left out"
    )

    class Meta:
        model = LabelledExample
        exclude: list[str] = []

    def get_hidden(self, example: LabelledExample) -> bool:
        hidden: Collection[int] = self.context["hidden"]
        return example.pk in hidden

    def to_representation(self, instance: LabelledExample) -> dict[str, Any]:
        row = super().to_representation(instance)
        return row | {"text": ""} if row["hidden"] else row


class VersionListView(APIView):
    """Built versions of every task."""

    @extend_schema(responses=VersionSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.view_models")
        return Response([version.row() for version in selectors.version_list()])


class VersionView(APIView):
    """One built version, with the run that made it and the verdict of its gate."""

    @extend_schema(responses=VersionDetailSerializer)
    def get(self, request: Request, task: str, version: str) -> Response:
        require(request, "modelhub.view_models")
        found = selectors.version_get(task=task, version=version)
        run = selectors.run_of_version(task=task, version=version)
        told: dict[str, Any] = (
            {"run": run.pk, "gate": run.gate} if run else {"run": None, "gate": {}}
        )
        under_way = changeovers(task) if found.active else []
        told["changeovers"] = ChangeoverSerializer(under_way, many=True).data
        return Response(found.row() | told)


class PredictView(APIView):
    """Predictions of a task's active model for up to 64 texts."""

    @extend_schema(request=PredictInput, responses={200: PredictOutput, **PROBLEMS})
    def post(self, request: Request) -> Response:
        body = PredictInput(data=request.data)
        body.is_valid(raise_exception=True)
        predictions = async_to_sync(gateway.apredict)(**body.validated_data)
        return Response({"predictions": [prediction_payload(one) for one in predictions]})


class ExplainView(APIView):
    """What each word of a text adds to the answer of a classifier's active model."""

    @extend_schema(request=ExplainInput, responses={200: ExplainOutput, **PROBLEMS})
    def post(self, request: Request) -> Response:
        body = ExplainInput(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(explain(**body.validated_data))


class ExampleListView(generics.ListAPIView[LabelledExample]):
    """Labelled examples, newest first."""

    serializer_class = ExampleSerializer
    queryset = LabelledExample.objects.none()
    _hidden: Collection[int] = ()

    def get_queryset(self) -> Any:
        require(self.request, "modelhub.view_examples")
        return selectors.example_list(task=self.request.query_params.get("task"))

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        # Whose texts are hidden is asked once for the page.
        self._hidden = hidden_examples(signed_in(self.request), page or ())
        return page

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "hidden": self._hidden}


class ExampleExportView(APIView):
    """The examples of a task as JSONL ready for ``finetune``: ``{"text", "label"}``, of entities
    ``{"tokens", "tags"}``, of targeted sentiment ``{"text", "entities"}``; without those whose
    texts the caller may not read, and those about which people disagree."""

    @extend_schema(responses={(200, "application/jsonl"): str})
    def get(self, request: Request) -> FileAnswer:
        require(request, "modelhub.view_examples")
        examples = examples_settled(task=request.query_params.get("task"))
        person = signed_in(request)

        def lines() -> Iterator[str]:
            for example in seen_examples(person, examples.iterator(chunk_size=500)):
                row = _row(example)
                yield json.dumps(row, ensure_ascii=False) + "\n"

        return lines_answer(lines(), filename="examples.jsonl", content_type="application/jsonl")


def _row(example: LabelledExample) -> dict[str, Any]:
    if example.spans is not None:
        return record_of(entity_row(example))
    return record_of(LabelledText(example.text, example.new_label), example.task)


class ExampleView(APIView):
    """One labelled example, for team leads."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, example_id: int) -> Response:
        """Take it out of what later versions learn from."""
        require(request, "modelhub.change_examples")
        services.example_discard(example_id=example_id, actor=signed_in(request))
        return Response(status=204)


urlpatterns = [
    path("", VersionListView.as_view(), name="api-models"),
    path("versions/<str:task>/<str:version>/", VersionView.as_view(), name="api-version"),
    path("predict/", PredictView.as_view(), name="api-predict"),
    path("explain/", ExplainView.as_view(), name="api-explain"),
    path("examples/", ExampleListView.as_view(), name="api-examples"),
    path("examples/<int:example_id>/", ExampleView.as_view(), name="api-example"),
    *dispute_api.urlpatterns,
    path("examples/export/", ExampleExportView.as_view(), name="api-examples-export"),
    *explain_api.urlpatterns,
    *dataset_api.urlpatterns,
    *preview_api.urlpatterns,
    *run_api.urlpatterns,
    *promotion_api.urlpatterns,
]
