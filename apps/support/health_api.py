"""``articles/<slug>/health/``: where an article was cited, whether it helped, since when stale."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support import selectors
from apps.support.endpoints import require
from apps.support.models import ArticleHealth
from apps.support.selectors.health import cited_in, health_of


class ArticleHealthSerializer(serializers.ModelSerializer[ArticleHealth]):
    cited_in = serializers.ListField(
        child=serializers.UUIDField(), help_text="the last conversations that the caller may see"
    )

    class Meta:
        model = ArticleHealth
        fields = [
            *("cited", "cited_at", "helped", "unhelped", "corrected"),
            *("signs", "stale_since", "looked_at", "cited_in"),
        ]
        read_only_fields = fields


class ArticleHealthView(APIView):
    """How an article does since its last change; null before it was looked at."""

    @extend_schema(responses=ArticleHealthSerializer(allow_null=True))
    def get(self, request: Request, slug: str) -> Response:
        require(request, "support.change_articles")
        article = selectors.article_edited(slug=slug)
        health = health_of(article=article)
        if health is None:
            return Response(None)
        shown = cited_in(article=article, operator=signed_in(request))
        values: dict[str, Any] = {
            name: getattr(health, name)
            for name in ArticleHealthSerializer.Meta.fields
            if name != "cited_in"
        }
        return Response(values | {"cited_in": [str(one.pk) for one in shown]})


urlpatterns = [
    path("articles/<slug:slug>/health/", ArticleHealthView.as_view(), name="api-article-health")
]
