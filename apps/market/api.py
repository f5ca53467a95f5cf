"""The HTTP API of Market, under ``/api/v1/market/``."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer
from apps.core.errors import InvalidInput
from apps.core.jobs import job_start
from apps.market import (
    alert_api,
    anomaly_api,
    article_api,
    company_name_api,
    correction_api,
    dated_name_api,
    delivery_api,
    digest_api,
    export_api,
    handling_api,
    hook_api,
    index_api,
    ingest,
    layout_api,
    name_api,
    price_api,
    quality_api,
    replay_api,
    review_api,
    serializers,
    silence_api,
)
from apps.market.access import AnalystView, validated
from apps.market.selectors import companies, sources, tape
from apps.market.selectors.tape_unknown import unknown_of
from apps.market.services import imports
from apps.market.services import sources as source_services
from apps.market.services.known_feeds import known_feed_follow
from apps.market.services.source_settings import source_update
from apps.market.tape_filters import FILTERS, read_filter
from apps.market.tasks import POLL_JOB


class ArticleListView(AnalystView):
    """The tape, newest first (``before`` is the ``next`` of the page before), and the way in.

    Of an empty answer ``unknown`` names what is asked for that there is none of.
    """

    serializer_class = serializers.NewsArticleSerializer

    @extend_schema(
        operation_id="market_articles_list",
        parameters=[OpenApiParameter(name) for name in (*FILTERS, "before", "limit")],
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        wanted = read_filter(query, viewer=request.user.pk)
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
                "results": serializers.NewsArticleSerializer(rows, many=True).data,
                "unknown": [] if rows else unknown_of(wanted=wanted),
            }
        )

    @extend_schema(
        request=serializers.NewsArticleInput(many=True), responses=serializers.IngestResult
    )
    def post(self, request: Request) -> Response:
        """One article or up to 500; sent again they change nothing.

        201 when all are new, 200 when some were there already, 207 when some are unusable, 422
        when all are. Stored articles are scored shortly after.
        """
        data = request.data
        answer = ingest.batch_store(items=data if isinstance(data, list) else [data])
        invalid, total = answer["invalid"], len(answer["results"])
        if invalid == total == 1:
            raise InvalidInput(
                "The article is not usable: %(detail)s.", detail=answer["results"][0]["detail"]
            )
        status = 201 if answer["created"] == total else 200
        if invalid:
            status = 422 if invalid == total else 207
        return Response(answer, status=status)


@extend_schema(exclude=True)
class ShortAddressView(ArticleListView):
    """The same under the address without its last slash."""


class CompanyListView(AnalystView):
    """Companies by ticker, name or alias (``q``)."""

    serializer_class = serializers.CompanySerializer

    @extend_schema(
        parameters=[OpenApiParameter("q")], responses=serializers.CompanySerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        found = companies.company_search(text=request.query_params.get("q", "")[:100])
        return Response({"results": serializers.CompanySerializer(found, many=True).data})


class SourceListView(AnalystView):
    """All sources with their state; POST adds a feed, which is polled at once."""

    serializer_class = serializers.SourceSerializer

    @extend_schema(responses=serializers.SourceSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = serializers.SourceSerializer(sources.source_list(), many=True)
        return Response({"results": found.data})

    @extend_schema(request=serializers.FeedInput)
    def post(self, request: Request) -> Response:
        data = validated(serializers.FeedInput(data=request.data))
        source = source_services.feed_create(actor=request.user, **data)
        return Response(serializers.SourceSerializer(source).data, status=201)


class KnownFeedsView(AnalystView):
    """Public feeds that nobody follows yet; POST follows the one of an address, polled at once."""

    serializer_class = serializers.KnownFeedSerializer

    @extend_schema(responses=serializers.KnownFeedSerializer(many=True))
    def get(self, request: Request) -> Response:
        found = serializers.KnownFeedSerializer(sources.known_feeds_left(), many=True)
        return Response({"results": found.data})

    @extend_schema(responses={201: serializers.SourceSerializer})
    def post(self, request: Request) -> Response:
        data = validated(serializers.KnownFeedSerializer(data=request.data))
        source = known_feed_follow(actor=request.user, url=data["url"])
        return Response(serializers.SourceSerializer(source).data, status=201)


class SourceView(AnalystView):
    """One source; PATCH changes its settings, and ``{"paused": true}`` stops it."""

    serializer_class = serializers.SourceSerializer

    def get(self, request: Request, source_id: int) -> Response:
        source = sources.source_get(source_id=source_id)
        return Response(serializers.SourceSerializer(source).data)

    @extend_schema(request=serializers.SourceInput)
    def patch(self, request: Request, source_id: int) -> Response:
        data = validated(serializers.SourceInput(data=request.data))
        source = sources.source_get(source_id=source_id)
        paused = data.pop("paused", None)
        if data:
            source_update(actor=request.user, source=source, **data)
        if paused is not None:
            source_services.feed_pause(actor=request.user, source=source, paused=paused)
        return Response(serializers.SourceSerializer(source).data)


class SourcePollView(AnalystView):
    """Poll a feed now, as a job."""

    serializer_class = JobSerializer

    @extend_schema(request=None)
    def post(self, request: Request, source_id: int) -> Response:
        source = sources.source_get(source_id=source_id)
        job = job_start(
            kind=POLL_JOB,
            title=gettext("Poll %(name)s") % {"name": source.name},
            owner=request.user,
            arguments={"source_id": source.pk},
        )
        return Response(JobSerializer(job).data, status=202)


class UploadView(AnalystView):
    """Import a CSV or JSONL file of articles, as a job."""

    serializer_class = JobSerializer

    @extend_schema(request={"multipart/form-data": serializers.NewsUploadInput})
    def post(self, request: Request) -> Response:
        data = validated(serializers.NewsUploadInput(data=request.data))
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
                "scored_last_minute": backlog.a_minute,
            }
        )


_VIEWS: list[tuple[str, type[APIView], str]] = [
    ("articles/", ArticleListView, "articles"),
    ("articles/<int:article_id>/", article_api.ArticleView, "article"),
    ("articles/<int:article_id>/corrections/", correction_api.CorrectionsView, "corrections"),
    ("articles/<int:article_id>/provenance/", article_api.ProvenanceView, "provenance"),
    ("articles/<int:article_id>/why/", article_api.WhyView, "article-why"),
    ("articles/<int:article_id>/link/", review_api.LinkView, "article-link"),
    ("export/", export_api.ExportView, "export"),
    ("review/", review_api.ReviewListView, "review"),
    ("review/skip/", review_api.ReviewSkipView, "review-skip"),
    ("companies/", CompanyListView, "companies"),
    ("companies/import/", name_api.CompanyImportView, "companies-import"),
    ("companies/<int:company_id>/index/", index_api.CompanyIndexView, "company-index"),
    ("anomalies/", anomaly_api.AnomalyListView, "anomalies"),
    ("detection/", anomaly_api.DetectionView, "detection"),
    ("layouts/", layout_api.LayoutListView, "layouts"),
    ("layouts/<int:layout_id>/", layout_api.LayoutView, "layout"),
    ("webhooks/", hook_api.WebhookListView, "webhooks"),
    ("webhooks/<int:source_id>/secret/", hook_api.WebhookSecretView, "webhook-secret"),
    ("hooks/<int:source_id>/", hook_api.HookView, "hook"),
    ("prices/", price_api.PriceImportView, "prices"),
    ("companies/<int:company_id>/prices/", price_api.CompanyPricesView, "company-prices"),
    ("companies/<int:company_id>/names/", dated_name_api.DatedNamesView, "company-names"),
    ("companies/<int:company_id>/called/", company_name_api.CompanyCalledView, "company-called"),
    ("companies/names/", dated_name_api.DatedNameImportView, "dated-names"),
    ("companies/names/<int:name_id>/", dated_name_api.DatedNameView, "dated-name"),
    ("index/", index_api.MarketIndexView, "index"),
    ("sectors/", index_api.SectorsView, "sectors"),
    ("watchlist/", index_api.WatchlistView, "watchlist"),
    ("watchlist/<int:company_id>/", index_api.WatchedView, "watched"),
    ("alerts/", alert_api.AlertListView, "alerts"),
    ("alerts/acknowledge/", alert_api.AlertsAcknowledgeView, "alerts-acknowledge"),
    ("alerts/<int:alert_id>/", alert_api.AlertView, "alert"),
    ("alerts/<int:alert_id>/assign/", alert_api.AlertAssignView, "alert-assign"),
    ("colleagues/", alert_api.ColleagueListView, "colleagues"),
    ("alerts/<int:alert_id>/acknowledge/", alert_api.AlertAcknowledgeView, "alert-acknowledge"),
    ("alerts/<int:alert_id>/resolve/", alert_api.AlertResolveView, "alert-resolve"),
    ("alerts/<int:alert_id>/rate/", alert_api.AlertRateView, "alert-rate"),
    ("rules/", alert_api.RuleListView, "rules"),
    ("rules/preview/", alert_api.RulePreviewView, "rule-preview"),
    ("rules/<int:rule_id>/", alert_api.RuleView, "rule"),
    ("rules/<int:rule_id>/handling/", handling_api.HandlingView, "rule-handling"),
    ("rules/<int:rule_id>/quality/", quality_api.RuleQualityView, "rule-quality"),
    ("channels/", delivery_api.ChannelListView, "channels"),
    ("channels/<int:channel_id>/", delivery_api.ChannelView, "channel"),
    ("channels/<int:channel_id>/test/", delivery_api.ChannelTestView, "channel-test"),
    ("channels/<int:channel_id>/secret/", delivery_api.ChannelSecretView, "channel-secret"),
    ("deliveries/", delivery_api.DeliveryListView, "deliveries"),
    ("deliveries/<int:delivery_id>/", delivery_api.DeliveryView, "delivery"),
    ("deliveries/<int:delivery_id>/resend/", delivery_api.DeliveryResendView, "delivery-resend"),
    ("digests/", digest_api.DigestListView, "digests"),
    ("digests/<int:digest_id>/", digest_api.DigestView, "digest"),
    ("silences/", silence_api.SilenceListView, "silences"),
    ("silences/<int:silence_id>/end/", silence_api.SilenceEndView, "silence-end"),
    ("names/", name_api.NameListView, "names"),
    ("names/<int:name_id>/merge/", name_api.NameMergeView, "name-merge"),
    ("names/<int:name_id>/dismiss/", name_api.NameDismissView, "name-dismiss"),
    ("names/<int:name_id>/reopen/", name_api.NameReopenView, "name-reopen"),
    ("sources/", SourceListView, "sources"),
    ("sources/known/", KnownFeedsView, "known-feeds"),
    ("sources/<int:source_id>/", SourceView, "source"),
    ("sources/<int:source_id>/poll/", SourcePollView, "source-poll"),
    ("uploads/", UploadView, "uploads"),
    ("replays/", replay_api.ReplayListView, "replays"),
    ("replays/<int:replay_id>/", replay_api.ReplayView, "replay"),
    ("status/", StatusView, "status"),
]
urlpatterns = [
    path(route, view.as_view(), name=f"api-market-{name}") for route, view, name in _VIEWS
]
# A POST to an address without the slash cannot be redirected, and the short form is the one named.
urlpatterns.append(path("articles", ShortAddressView.as_view()))
