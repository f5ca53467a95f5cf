"""``/api/v1/support/articles/``: the knowledge base, its versions and imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.api import CursorPagination
from apps.core.errors import InvalidInput
from apps.core.jobs import NoProgress, job_payload
from apps.support import importing, selectors, services
from apps.support.article_files import FIELDS
from apps.support.endpoints import Anything, body_of, require
from apps.support.models import Article, ArticleVersion
from apps.support.services import uploads

MAX_ARTICLES = 500


class ByTitle(CursorPagination):
    ordering = "title"


class ArticleSerializer(serializers.ModelSerializer[Article]):
    class Meta:
        model = Article
        fields = [
            *("slug", "title", "body", "tags", "questions"),
            *("language", "audience", "version", "published", "updated_at"),
        ]
        read_only_fields = ["version", "updated_at"]


class ArticleInput(serializers.Serializer[Any]):
    id = serializers.SlugField(max_length=120)
    title = serializers.CharField(max_length=200)
    body = serializers.CharField(max_length=importing.MAX_BODY)
    tags = serializers.ListField(child=serializers.CharField(max_length=120), default=list)
    questions = serializers.ListField(child=serializers.CharField(max_length=500), default=list)
    language = serializers.RegexField(r"^[a-z]{2,3}(-[a-z]{2,8})?$", default="en")
    audience = serializers.ChoiceField(
        choices=Article.Audience.choices, default=Article.Audience.PUBLIC
    )
    published = serializers.BooleanField(
        default=True, help_text="PUT of one article only: false keeps it as a draft"
    )


class ArticleVersionSerializer(serializers.ModelSerializer[ArticleVersion]):
    author = serializers.CharField(source="author.display_name", default="")

    class Meta:
        model = ArticleVersion
        fields = [
            *("number", "title", "body", "tags", "questions", "language", "audience"),
            *("published", "author", "origin", "created_at"),
        ]


class ArticleUploadInput(serializers.Serializer[Any]):
    files = serializers.ListField(child=serializers.FileField())
    preview = serializers.BooleanField(default=False, help_text="read only, store nothing")
    skip_bad = serializers.BooleanField(default=False)
    as_drafts = serializers.BooleanField(default=False)


class ArticleListView(generics.ListAPIView[Article]):
    """Published articles; ``?state=all|draft|team|published`` lists all of them for operators.

    Posting a list of articles creates and updates by id.
    """

    serializer_class = ArticleSerializer
    pagination_class = ByTitle
    queryset = Article.objects.all()

    def get_queryset(self) -> Any:
        asked = self.request.query_params
        query, state = asked.get("q", "")[:200], asked.get("state", "")
        if not state:
            return selectors.article_list(query=query)
        require(self.request, "support.change_articles")
        return selectors.knowledge_base(query=query, state=state, tag=asked.get("tag", "")[:120])

    @extend_schema(request=ArticleInput(many=True), responses=Anything)
    def post(self, request: Request) -> Response:
        require(request, "support.change_articles")
        body = ArticleInput(data=request.data, many=True)
        body.is_valid(raise_exception=True)
        if len(body.validated_data) > MAX_ARTICLES:
            raise InvalidInput(
                "Send at most %(max_articles)s articles at once.", max_articles=MAX_ARTICLES
            )
        rows = [_row(values) for values in body.validated_data]
        return Response(asdict(_import(request, rows)))


class ArticleView(APIView):
    """One article: read it, replace or create it, delete it."""

    @extend_schema(responses=ArticleSerializer)
    def get(self, request: Request, slug: str) -> Response:
        writes = request.user.has_perm("support.change_articles")
        find = selectors.article_edited if writes else selectors.article_get
        return Response(ArticleSerializer(find(slug=slug)).data)

    @extend_schema(request=ArticleInput, responses=ArticleSerializer)
    def put(self, request: Request, slug: str) -> Response:
        require(request, "support.change_articles")
        body = ArticleInput(data=body_of(request) | {"id": slug})
        body.is_valid(raise_exception=True)
        values = body.validated_data
        content = services.Content(
            **{name: values[name] for name in ("title", "body", "language", "audience")},
            tags=tuple(values["tags"]),
            questions=tuple(values["questions"]),
            published=values["published"],
        )
        article = services.article_put(slug=slug, author=signed_in(request), content=content)
        return Response(ArticleSerializer(article).data)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        require(request, "support.change_articles")
        services.article_delete(slug=slug, author=signed_in(request))
        return Response(status=204)


class ArticleVersionsView(APIView):
    """What an article was, latest first, for operators."""

    @extend_schema(responses=ArticleVersionSerializer(many=True))
    def get(self, request: Request, slug: str) -> Response:
        require(request, "support.change_articles")
        rows = selectors.article_edited(slug=slug).versions.select_related("author")
        return Response(ArticleVersionSerializer(rows, many=True).data)


class ArticleRestoreView(APIView):
    """Make an old version the present one."""

    @extend_schema(request=None, responses=ArticleSerializer)
    def post(self, request: Request, slug: str, number: int) -> Response:
        require(request, "support.change_articles")
        article = services.article_restore(slug=slug, number=number, author=signed_in(request))
        return Response(ArticleSerializer(article).data)


class ArticleUploadView(APIView):
    """Import files of articles; many articles become a job, which is returned with status 202."""

    parser_classes = [MultiPartParser]

    @extend_schema(request=ArticleUploadInput, responses=Anything)
    def post(self, request: Request) -> Response:
        require(request, "support.change_articles")
        owner = signed_in(request)
        upload = uploads.upload_create(owner=owner, files=request.FILES.getlist("files"))
        form = body_of(request)
        options = ArticleUploadInput(data=form)
        options.is_valid(raise_exception=True)
        wanted = options.validated_data
        mapping = {name: str(form[name]) for name in FIELDS if name in form}
        if wanted["preview"]:
            return Response(asdict(uploads.upload_preview(upload=upload, mapping=mapping)))
        outcome = uploads.upload_import(
            upload=upload,
            owner=owner,
            mapping=mapping,
            skip_bad=wanted["skip_bad"],
            as_drafts=wanted["as_drafts"],
        )
        if isinstance(outcome, importing.Imported):
            return Response(asdict(outcome))
        return Response({"job": job_payload(outcome)}, status=202)


def _import(request: Request, rows: Sequence[importing.ArticleRow]) -> importing.Imported:
    return importing.articles_import(
        rows=rows,
        progress=NoProgress(),
        author=signed_in(request),
        origin="API",
    )


def _row(values: dict[str, Any]) -> importing.ArticleRow:
    return importing.ArticleRow(
        values["id"],
        values["title"],
        values["body"],
        tuple(values["tags"]),
        tuple(values["questions"]),
        values["language"],
        values["audience"],
    )


urlpatterns = [
    path("articles/", ArticleListView.as_view(), name="api-articles"),
    path("articles/upload/", ArticleUploadView.as_view(), name="api-article-upload"),
    path("articles/<slug:slug>/", ArticleView.as_view(), name="api-article"),
    path("articles/<slug:slug>/versions/", ArticleVersionsView.as_view()),
    path("articles/<slug:slug>/versions/<int:number>/restore/", ArticleRestoreView.as_view()),
]
