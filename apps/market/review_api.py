"""Endpoints of the review queue and of corrected links."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.market.access import AnalystView, validated
from apps.market.payloads import company_payload, sentiment_payload
from apps.market.selectors.review import review_list
from apps.market.services.links import link_correct
from apps.market.services.review import review_skip


class SkipInput(serializers.Serializer[Any]):
    article = serializers.IntegerField()
    company = serializers.IntegerField(required=False, allow_null=True)


class LinkInput(serializers.Serializer[Any]):
    company = serializers.IntegerField(help_text="that the article is linked to")
    meant = serializers.IntegerField(
        required=False, allow_null=True, help_text="that it is about; without it: about none"
    )


class ReviewListView(AnalystView):
    """Unsure sentiments that nobody has decided; ``articles/<id>/corrections/`` decides one."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        rows = [
            {
                "article": {"id": one.score.article_id, "title": one.score.article.title},
                "company": company_payload(one.score.company) if one.score.company else None,
                "sentiment": sentiment_payload(one.score),
                "sentence": one.sentence,
                "published_at": one.score.published_at.isoformat(),
            }
            for one in review_list(limit=100)
        ]
        return Response({"results": rows})


class ReviewSkipView(AnalystView):
    """Leave an unsure sentiment open: it cannot be told."""

    @extend_schema(request=SkipInput, responses={204: None})
    def post(self, request: Request) -> Response:
        data = validated(SkipInput(data=request.data))
        review_skip(actor=request.user, article_id=data["article"], company_id=data.get("company"))
        return Response(status=204)


class LinkView(AnalystView):
    """Correct the company that an article is linked to."""

    @extend_schema(request=LinkInput, responses={204: None})
    def post(self, request: Request, article_id: int) -> Response:
        data = validated(LinkInput(data=request.data))
        link_correct(
            actor=request.user,
            article_id=article_id,
            company_id=data["company"],
            meant_id=data.get("meant"),
        )
        return Response(status=204)
