"""The HTTP API of Market, under ``/api/v1/market/``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import permissions
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer
from apps.core.errors import InvalidInput
from apps.core.jobs import job_start
from apps.market import ingest, serializers
from apps.market.payloads import alert_payload
from apps.market.selectors import alerts, companies, sources, tape
from apps.market.services import alerts as alert_services
from apps.market.services import imports, rules
from apps.market.services import sources as source_services
from apps.market.tasks import POLL_JOB
from apps.market.wording import rule_sentence


class IsAnalyst(permissions.BasePermission):
    """Market is for analysts."""

    message = "Only analysts use Market."

    def has_permission(self, request: Request, view: Any) -> bool:
        return request.user.has_perm("market.view_news")


class AnalystView(APIView):
    permission_classes = [permissions.IsAuthenticated, IsAnalyst]


class NewestAlerts(CursorPagination):
    ordering = ("-created_at", "-id")
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 200


def _validated(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = dict(serializer.validated_data)
    return data


class ArticleListView(AnalystView):
    """The tape, newest first (``before`` is the ``next`` of the page before), and the way in."""

    serializer_class = serializers.ArticleSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter(name)
            for name in ("company", "sentiment", "topic", "text", "before", "limit")
        ]
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted = tape.TapeFilter(
            **{
                name: query.get(name, "")[:200]
                for name in ("company", "sentiment", "topic", "text")
            }
        )
        limit = query.get("limit", "")
        if limit and not limit.isdecimal():
            raise InvalidInput("'limit' must be a number.", fields={"limit": "is no number"})
        limit_number = min(max(int(limit[:6] or tape.PAGE), 1), 200)
        rows = tape.tape_list(
            wanted=wanted, before=tape.read_cursor(query.get("before", "")), limit=limit_number
        )
        last = rows[-1] if len(rows) == limit_number else None
        return Response(
            {
                "next": f"{last.published_at.isoformat()}~{last.pk}" if last else None,
                "results": serializers.ArticleSerializer(rows, many=True).data,
            }
        )

    @extend_schema(request=serializers.ArticleInput(many=True), responses=serializers.IngestResult)
    def post(self, request: Request) -> Response:
        """One article or up to 500; sent again they change nothing.

        201 when all are new, 200 when some were there already, 207 when some are unusable, 422
        when all are. Stored articles are scored shortly after.
        """
        data = request.data
        answer = ingest.batch_store(items=data if isinstance(data, list) else [data])
        invalid, total = answer["invalid"], len(answer["results"])
        if invalid == total == 1:
            raise InvalidInput(f"The article is not usable: {answer['results'][0]['detail']}.")
        status = 201 if answer["created"] == total else 200
        if invalid:
            status = 422 if invalid == total else 207
        return Response(answer, status=status)


class ArticleView(AnalystView):
    """One article with its scores."""

    serializer_class = serializers.ArticleSerializer

    def get(self, request: Request, article_id: int) -> Response:
        article = tape.article_get(article_id=article_id)
        return Response(serializers.ArticleSerializer(article).data)


class CompanyListView(AnalystView):
    """Companies by ticker, name or alias (``q``)."""

    serializer_class = serializers.CompanySerializer

    @extend_schema(
        parameters=[OpenApiParameter("q")], responses=serializers.CompanySerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        found = companies.company_search(text=request.query_params.get("q", "")[:100])
        return Response({"results": serializers.CompanySerializer(found, many=True).data})


class AlertListView(AnalystView):
    """The caller's alerts, newest first (``state``: new or acknowledged)."""

    serializer_class = serializers.AlertSerializer

    @extend_schema(
        parameters=[OpenApiParameter("state")], responses=serializers.AlertSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        pages = NewestAlerts()
        found = alerts.alert_list(owner=request.user, state=request.query_params.get("state", ""))
        page = pages.paginate_queryset(found, request, view=self)
        return pages.get_paginated_response([alert_payload(alert) for alert in page or []])


class AlertAcknowledgeView(AnalystView):
    """Mark one of the caller's alerts as seen."""

    serializer_class = serializers.AlertSerializer

    @extend_schema(request=None)
    def post(self, request: Request, alert_id: int) -> Response:
        alert = alert_services.alert_acknowledge(actor=request.user, alert_id=alert_id)
        return Response(alert_payload(alert))


def _wanted(data: dict[str, Any], start: rules.RuleInput) -> rules.RuleInput:
    if "company" in data:
        data["company_id"] = data.pop("company")
    return replace(start, **data)


class RuleListView(AnalystView):
    """The caller's rules."""

    serializer_class = serializers.RuleSerializer

    @extend_schema(responses=serializers.RuleSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = alerts.rule_list(owner=request.user)
        return Response({"results": serializers.RuleSerializer(found, many=True).data})

    @extend_schema(request=serializers.RuleInputSerializer)
    def post(self, request: Request) -> Response:
        data = _validated(serializers.RuleInputSerializer(data=request.data))
        rule = rules.rule_create(actor=request.user, wanted=_wanted(data, rules.RuleInput()))
        return Response(serializers.RuleSerializer(rule).data, status=201)


class RulePreviewView(AnalystView):
    """What a rule would have done in the last 30 days, without saving it."""

    serializer_class = serializers.RulePreview

    @extend_schema(request=serializers.RuleInputSerializer)
    def post(self, request: Request) -> Response:
        data = _validated(serializers.RuleInputSerializer(data=request.data))
        draft = rules.rule_draft(wanted=_wanted(data, rules.RuleInput()), owner=request.user)
        history = alerts.rule_history(rule=draft)
        return Response(
            {
                "sentence": rule_sentence(draft),
                "days": history.days,
                "alerts": history.alerts,
                "alerts_a_week": round(history.a_week, 1),
                "examples": [article.title for article in history.examples],
            }
        )


class RuleView(AnalystView):
    """One of the caller's rules; PATCH changes the given fields."""

    serializer_class = serializers.RuleSerializer

    def get(self, request: Request, rule_id: int) -> Response:
        rule = rules.rule_own(actor=request.user, rule_id=rule_id)
        return Response(serializers.RuleSerializer(rule).data)

    @extend_schema(request=serializers.RuleInputSerializer)
    def patch(self, request: Request, rule_id: int) -> Response:
        data = _validated(serializers.RuleInputSerializer(data=request.data, partial=True))
        rule = rules.rule_own(actor=request.user, rule_id=rule_id)
        wanted = _wanted(data, rules.rule_input(rule))
        rule = rules.rule_update(actor=request.user, rule_id=rule_id, wanted=wanted)
        return Response(serializers.RuleSerializer(rule).data)

    @extend_schema(responses={204: None})
    def delete(self, request: Request, rule_id: int) -> Response:
        rules.rule_delete(actor=request.user, rule_id=rule_id)
        return Response(status=204)


class SourceListView(AnalystView):
    """All sources with their state; POST adds a feed, which is polled at once."""

    serializer_class = serializers.SourceSerializer

    @extend_schema(responses=serializers.SourceSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = serializers.SourceSerializer(sources.source_list(), many=True)
        return Response({"results": found.data})

    @extend_schema(request=serializers.FeedInput)
    def post(self, request: Request) -> Response:
        data = _validated(serializers.FeedInput(data=request.data))
        source = source_services.feed_create(actor=request.user, **data)
        return Response(serializers.SourceSerializer(source).data, status=201)


class SourceView(AnalystView):
    """One source; PATCH ``{"paused": true}`` stops polling a feed."""

    serializer_class = serializers.SourceSerializer

    def get(self, request: Request, source_id: int) -> Response:
        source = sources.source_get(source_id=source_id)
        return Response(serializers.SourceSerializer(source).data)

    @extend_schema(request=serializers.PausedInput)
    def patch(self, request: Request, source_id: int) -> Response:
        data = _validated(serializers.PausedInput(data=request.data))
        source = source_services.feed_pause(
            actor=request.user, source=sources.source_get(source_id=source_id), **data
        )
        return Response(serializers.SourceSerializer(source).data)


class SourcePollView(AnalystView):
    """Poll a feed now, as a job."""

    serializer_class = JobSerializer

    @extend_schema(request=None)
    def post(self, request: Request, source_id: int) -> Response:
        source = sources.source_get(source_id=source_id)
        job = job_start(
            kind=POLL_JOB,
            title=f"Poll {source.name}",
            owner=request.user,
            arguments={"source_id": source.pk},
        )
        return Response(JobSerializer(job).data, status=202)


class UploadView(AnalystView):
    """Import a CSV or JSONL file of articles, as a job."""

    serializer_class = JobSerializer

    @extend_schema(request={"multipart/form-data": serializers.UploadInput})
    def post(self, request: Request) -> Response:
        data = _validated(serializers.UploadInput(data=request.data))
        job = imports.import_start(
            actor=request.user, upload=data["file"], skip_bad=data.get("skip_bad", False)
        )
        return Response(JobSerializer(job).data, status=202)


class StatusView(AnalystView):
    """How far the scoring is behind."""

    serializer_class = serializers.StatusSerializer

    def get(self, request: Request) -> Response:
        backlog = sources.backlog()
        return Response(
            {
                "waiting": backlog.waiting,
                "failed": backlog.failed,
                "oldest_waiting": backlog.oldest,
                "newest_scored": backlog.newest_scored,
            }
        )


_VIEWS: list[tuple[str, type[APIView], str]] = [
    ("articles/", ArticleListView, "articles"),
    ("articles/<int:article_id>/", ArticleView, "article"),
    ("companies/", CompanyListView, "companies"),
    ("alerts/", AlertListView, "alerts"),
    ("alerts/<int:alert_id>/acknowledge/", AlertAcknowledgeView, "alert-acknowledge"),
    ("rules/", RuleListView, "rules"),
    ("rules/preview/", RulePreviewView, "rule-preview"),
    ("rules/<int:rule_id>/", RuleView, "rule"),
    ("sources/", SourceListView, "sources"),
    ("sources/<int:source_id>/", SourceView, "source"),
    ("sources/<int:source_id>/poll/", SourcePollView, "source-poll"),
    ("uploads/", UploadView, "uploads"),
    ("status/", StatusView, "status"),
]
urlpatterns = [
    path(route, view.as_view(), name=f"api-market-{name}") for route, view, name in _VIEWS
]
# A POST to an address without the slash cannot be redirected, and the short form is the one named.
urlpatterns.append(path("articles", ArticleListView.as_view()))
