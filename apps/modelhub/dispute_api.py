"""``/api/v1/models/examples/disputes/``: where people corrected one object in different ways."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.modelhub.access import require
from apps.modelhub.models import LabelledExample
from apps.modelhub.selectors.disputes import Dispute, dispute_get, dispute_list, disputes_seen
from apps.modelhub.services.disputes import dispute_decide


class DisputedSpan(serializers.Serializer[Any]):
    start = serializers.IntegerField(min_value=0)
    end = serializers.IntegerField(min_value=1)
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]


class OpinionOfPerson(serializers.Serializer[Any]):
    by = serializers.CharField(allow_null=True)
    label = serializers.CharField()  # type: ignore[assignment]
    spans = DisputedSpan(many=True, allow_null=True)


class DisputeOutput(serializers.Serializer[Any]):
    task = serializers.CharField()
    subject = serializers.CharField()
    text = serializers.CharField()
    said = OpinionOfPerson(many=True)
    verdict = OpinionOfPerson(allow_null=True)


class VerdictInput(serializers.Serializer[Any]):
    task = serializers.CharField(max_length=60)
    subject = serializers.CharField(max_length=120)
    label = serializers.CharField(max_length=120, required=False, default="")  # type: ignore[assignment]
    spans = DisputedSpan(many=True, required=False, help_text="of entities, in place of the label")


class DisputesView(APIView):
    """What people disagree about, undecided first; for team leads."""

    @extend_schema(parameters=[OpenApiParameter("task", str)], responses=DisputeOutput(many=True))
    def get(self, request: Request) -> Response:
        require(request, "modelhub.change_examples")
        found = dispute_list(task=request.query_params.get("task", ""))
        seen = disputes_seen(signed_in(request), found)
        return Response([_payload(one) for one in seen])

    @extend_schema(request=VerdictInput, responses=DisputeOutput)
    def put(self, request: Request) -> Response:
        """Decide one: models learn from the verdict alone."""
        require(request, "modelhub.change_examples")
        body = VerdictInput(data=request.data)
        body.is_valid(raise_exception=True)
        given = dict(body.validated_data)
        if (spans := given.pop("spans", None)) is not None:
            given["spans"] = [(one["start"], one["end"], one["label"]) for one in spans]
        dispute_decide(actor=signed_in(request), **given)
        return Response(_payload(dispute_get(task=given["task"], subject=given["subject"])))


def _payload(dispute: Dispute) -> dict[str, Any]:
    return {
        "task": dispute.first.task,
        "subject": dispute.first.subject,
        "text": dispute.first.text,
        "said": [_opinion(one) for one in dispute.said],
        "verdict": _opinion(dispute.verdict) if dispute.verdict else None,
    }


def _opinion(example: LabelledExample) -> dict[str, Any]:
    spans = example.spans
    return {
        "by": example.actor.display_name if example.actor else None,
        "label": example.new_label,
        "spans": None
        if spans is None
        else [{"start": start, "end": end, "label": label} for start, end, label in spans],
    }


urlpatterns = [path("examples/disputes/", DisputesView.as_view(), name="api-disputes")]
