"""Endpoints of labelling, under ``/api/v1/models/queues/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.modelhub.access import require
from apps.modelhub.api import TASK_NAME
from apps.modelhub.models import LabelQueue, LabelRow
from apps.modelhub.selectors.labelling import queue_get, queue_list
from apps.modelhub.services import labelling


class QueueSerializer(serializers.ModelSerializer[LabelQueue]):
    total = serializers.IntegerField(read_only=True)
    labelled = serializers.IntegerField(read_only=True)
    skipped = serializers.IntegerField(read_only=True)

    class Meta:
        model = LabelQueue
        fields = [
            *("id", "name", "task", "strategy", "guidelines", "labels", "version", "created_at"),
            *("total", "labelled", "skipped"),
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
    strategy = serializers.ChoiceField(choices=labelling.STRATEGIES, default="margin")
    guidelines = serializers.CharField(max_length=5_000, required=False, allow_blank=True)


class RowSerializer(serializers.ModelSerializer[LabelRow]):
    class Meta:
        model = LabelRow
        fields = ["id", "queue", "position", "text", "suggestions", "state", "label", "until"]
        read_only_fields = fields


class NextOutput(serializers.Serializer[Any]):
    row = RowSerializer(allow_null=True, help_text="null when nothing is left for the caller")


class LabelInput(serializers.Serializer[Any]):
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]


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


urlpatterns = [
    path("queues/", QueueListView.as_view(), name="api-queues"),
    path("queues/<int:queue_id>/next/", NextRowView.as_view(), name="api-queue-next"),
    path("queues/<int:queue_id>/undo/", UndoView.as_view(), name="api-queue-undo"),
    path("queues/rows/<int:row_id>/label/", LabelView.as_view(), name="api-row-label"),
    path("queues/rows/<int:row_id>/skip/", SkipView.as_view(), name="api-row-skip"),
]
