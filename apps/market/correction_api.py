"""``articles/<id>/corrections/``: what an analyst says of an article's sentiment and topic."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.selectors import tape
from apps.market.services import corrections


class Which(serializers.Serializer[Any]):
    what = serializers.ChoiceField(choices=sorted(corrections.LABELS))
    company = serializers.IntegerField(
        required=False, allow_null=True, help_text="a company's id, for the sentiment in it"
    )


class CorrectionInput(Which):
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]


class CorrectionOutput(Which):
    task = serializers.CharField()
    text = serializers.CharField()
    label = serializers.CharField(help_text="what the model said")  # type: ignore[assignment]
    corrected = serializers.CharField(allow_null=True)
    labels = serializers.ListField(child=serializers.CharField())


class CorrectionsView(AnalystView):
    """One's own corrections of an article: read, say, take back."""

    @extend_schema(responses=CorrectionOutput(many=True))
    def get(self, request: Request, article_id: int) -> Response:
        article = tape.article_get(article_id=article_id)
        found = corrections.correctable_list(article=article, analyst=request.user)
        return Response([_row(one) for one in found])

    @extend_schema(request=CorrectionInput, responses=CorrectionOutput)
    def put(self, request: Request, article_id: int) -> Response:
        asked = validated(CorrectionInput(data=request.data))
        return Response(_row(corrections.score_correct(**_which(request, article_id, asked))))

    @extend_schema(request=Which, responses=CorrectionOutput)
    def delete(self, request: Request, article_id: int) -> Response:
        asked = validated(Which(data=request.data))
        undone = corrections.score_correction_undo(**_which(request, article_id, asked))
        return Response(_row(undone))


def _which(request: Request, article_id: int, asked: dict[str, Any]) -> dict[str, Any]:
    company = asked.pop("company", None)
    return {"article_id": article_id, "analyst": request.user, "company_id": company, **asked}


def _row(one: corrections.Correctable) -> dict[str, Any]:
    return {
        "what": one.what,
        "company": one.score.company_id,
        "task": one.task,
        "text": one.text,
        "label": one.label,
        "corrected": one.given.new_label if one.given else None,
        "labels": list(one.labels),
    }
