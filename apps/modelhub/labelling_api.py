"""Endpoints of labelling, under ``/api/v1/models/queues/``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.file_answers import FileAnswer, lines_answer
from apps.modelhub.access import require
from apps.modelhub.answers import example_row
from apps.modelhub.api import TASK_NAME
from apps.modelhub.models import LabelQueue, LabelRow, LabelVerdict
from apps.modelhub.prelabels import STRATEGIES
from apps.modelhub.selectors.agreement import agreement, pairs, queue_settled
from apps.modelhub.selectors.labelling import queue_get, queue_list
from apps.modelhub.services import adjudication, labelling


class QueueSerializer(serializers.ModelSerializer[LabelQueue]):
    total = serializers.IntegerField(read_only=True)
    labelled = serializers.IntegerField(read_only=True)
    skipped = serializers.IntegerField(read_only=True)

    class Meta:
        model = LabelQueue
        fields = [
            *("id", "name", "task", "kind", "people", "strategy", "guidelines", "labels"),
            *("version", "created_at", "total", "labelled", "skipped"),
        ]
        read_only_fields = fields


class QueueInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    task = serializers.RegexField(TASK_NAME)
    texts = serializers.ListField(
        child=serializers.CharField(max_length=20_000, allow_blank=True),
        min_length=1,
        max_length=labelling.MAX_ROWS,
    )
    strategy = serializers.ChoiceField(choices=STRATEGIES, default="margin")
    guidelines = serializers.CharField(max_length=5_000, required=False, allow_blank=True)
    people = serializers.IntegerField(
        min_value=1, max_value=labelling.MAX_PEOPLE, default=1, help_text="how many label a text"
    )


class RowSerializer(serializers.ModelSerializer[LabelRow]):
    class Meta:
        model = LabelRow
        fields = [
            *("id", "queue", "position", "text", "suggestions"),
            *("state", "label", "answer", "until"),
        ]
        read_only_fields = fields


class NextOutput(serializers.Serializer[Any]):
    row = RowSerializer(allow_null=True, help_text="null when nothing is left for the caller")


class SpanInput(serializers.Serializer[Any]):
    start = serializers.IntegerField(min_value=0)
    end = serializers.IntegerField(min_value=1)
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]


class LabelInput(serializers.Serializer[Any]):
    """What the queue's kind asks for: a label, several, or entities."""

    label = serializers.CharField(max_length=120, required=False)  # type: ignore[assignment]
    labels = serializers.ListField(
        child=serializers.CharField(max_length=120), required=False, max_length=200
    )
    spans = SpanInput(many=True, required=False)


class AgreementOutput(serializers.Serializer[Any]):
    pairs = serializers.IntegerField(help_text="texts that both people have done")
    disagreed = serializers.IntegerField()
    open = serializers.IntegerField(help_text="disagreements without a verdict")
    n = serializers.IntegerField(help_text="texts that both labelled")
    same = serializers.FloatField(allow_null=True)
    kappa = serializers.FloatField(allow_null=True, required=False)
    f1 = serializers.FloatField(allow_null=True, required=False)
    per_label = serializers.DictField(required=False)


class DisagreementOutput(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    text = serializers.CharField()
    rows = RowSerializer(many=True)
    verdict = serializers.JSONField(allow_null=True)


class DisagreementsOutput(serializers.Serializer[Any]):
    agreement = AgreementOutput()
    disagreements = DisagreementOutput(many=True)


class VerdictSerializer(serializers.ModelSerializer[LabelVerdict]):
    class Meta:
        model = LabelVerdict
        fields = ["queue", "position", "label", "answer", "created_at"]
        read_only_fields = fields


class QueueListView(APIView):
    """Queues with how far they are; POST makes one, for team leads."""

    @extend_schema(responses=QueueSerializer(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.label")
        return Response(QueueSerializer(queue_list(), many=True).data)

    @extend_schema(request=QueueInput, responses={201: QueueSerializer})
    def post(self, request: Request) -> Response:
        require(request, "modelhub.change_examples")
        body = QueueInput(data=request.data)
        body.is_valid(raise_exception=True)
        made = labelling.queue_create(actor=signed_in(request), **body.validated_data)
        return Response(QueueSerializer(queue_get(queue_id=made.pk)).data, status=201)


class NextRowView(APIView):
    """The row that the caller has, or the next that nobody has; it is the caller's for ten
    minutes."""

    @extend_schema(request=None, responses=NextOutput)
    def post(self, request: Request, queue_id: int) -> Response:
        require(request, "modelhub.label")
        queue = queue_get(queue_id=queue_id)
        row = labelling.row_claim(queue=queue, person=signed_in(request))
        return Response({"row": RowSerializer(row).data if row else None})


class UndoView(APIView):
    """Take back the caller's last label or skip in a queue."""

    @extend_schema(request=None, responses=RowSerializer)
    def post(self, request: Request, queue_id: int) -> Response:
        require(request, "modelhub.label")
        queue = queue_get(queue_id=queue_id)
        row = labelling.row_undo(queue=queue, person=signed_in(request))
        return Response(RowSerializer(row).data)


class LabelView(APIView):
    """Label a row that the caller has."""

    @extend_schema(request=LabelInput, responses=RowSerializer)
    def post(self, request: Request, row_id: int) -> Response:
        require(request, "modelhub.label")
        body = LabelInput(data=request.data)
        body.is_valid(raise_exception=True)
        row = labelling.row_label(row_id=row_id, person=signed_in(request), **body.validated_data)
        return Response(RowSerializer(row).data)


class SkipView(APIView):
    """Put a row aside that the caller has."""

    @extend_schema(request=None, responses=RowSerializer)
    def post(self, request: Request, row_id: int) -> Response:
        require(request, "modelhub.label")
        row = labelling.row_skip(row_id=row_id, person=signed_in(request))
        return Response(RowSerializer(row).data)


class DisagreementsView(APIView):
    """How far two people agree, and where they do not; for team leads."""

    @extend_schema(responses=DisagreementsOutput)
    def get(self, request: Request, queue_id: int) -> Response:
        require(request, "modelhub.change_examples")
        queue = queue_get(queue_id=queue_id)
        found = pairs(queue=queue)
        unlike = [
            {
                "position": pair.position,
                "text": pair.text,
                "rows": RowSerializer([pair.first, pair.second], many=True).data,
                "verdict": pair.verdict.said if pair.verdict else None,
            }
            for pair in found
            if not pair.agreed
        ]
        numbers = agreement(queue=queue, found=found)
        return Response({"agreement": numbers, "disagreements": unlike})


class VerdictView(APIView):
    """Decide a text that two people have done; for team leads."""

    @extend_schema(request=LabelInput, responses=VerdictSerializer)
    def post(self, request: Request, queue_id: int, position: int) -> Response:
        require(request, "modelhub.change_examples")
        body = LabelInput(data=request.data)
        body.is_valid(raise_exception=True)
        verdict = adjudication.row_decide(
            queue=queue_get(queue_id=queue_id),
            position=position,
            actor=signed_in(request),
            **body.validated_data,
        )
        return Response(VerdictSerializer(verdict).data)


class QueueExportView(APIView):
    """What holds of a queue's texts as JSONL, ready for ``finetune``: ``{"text", "label"}``,
    ``{"text", "labels"}`` or ``{"tokens", "tags"}`` in BIO; of two people what both said, or the
    verdict."""

    @extend_schema(responses={(200, "application/jsonl"): str})
    def get(self, request: Request, queue_id: int) -> FileAnswer:
        require(request, "modelhub.view_examples")
        queue = queue_get(queue_id=queue_id)

        def lines() -> Iterator[str]:
            for text, said in queue_settled(queue=queue):
                yield json.dumps(example_row(queue, text, said), ensure_ascii=False) + "\n"

        return lines_answer(
            lines(), filename=f"queue-{queue.pk}.jsonl", content_type="application/jsonl"
        )


urlpatterns = [
    path("queues/", QueueListView.as_view(), name="api-queues"),
    path("queues/<int:queue_id>/next/", NextRowView.as_view(), name="api-queue-next"),
    path("queues/<int:queue_id>/undo/", UndoView.as_view(), name="api-queue-undo"),
    path(
        "queues/<int:queue_id>/disagreements/",
        DisagreementsView.as_view(),
        name="api-queue-disagreements",
    ),
    path(
        "queues/<int:queue_id>/disagreements/<int:position>/",
        VerdictView.as_view(),
        name="api-queue-verdict",
    ),
    path("queues/<int:queue_id>/export/", QueueExportView.as_view(), name="api-queue-export"),
    path("queues/rows/<int:row_id>/label/", LabelView.as_view(), name="api-row-label"),
    path("queues/rows/<int:row_id>/skip/", SkipView.as_view(), name="api-row-skip"),
]
