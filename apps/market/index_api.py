"""Endpoints of the sentiment indexes and of the watchlist."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput
from apps.core.file_imports import RowError
from apps.market.access import AnalystView, validated
from apps.market.payloads import company_payload
from apps.market.rows import parse_time
from apps.market.selectors import companies, indexes
from apps.market.selectors.sector_map import SectorMap, sector_map
from apps.market.sentiment_index import (
    DEFAULT_HALF_LIFE,
    HALF_LIVES,
    RULES,
    IndexPoint,
    IndexReport,
)
from apps.market.serializers import CompanySerializer
from apps.market.services.watchlists import company_unwatch, company_watch

_PARAMETERS = [
    OpenApiParameter("at", OpenApiTypes.DATETIME, description="as known then; now unless given"),
    OpenApiParameter("half_life", enum=list(HALF_LIVES)),
]


class WatchInput(serializers.Serializer[None]):
    company = serializers.IntegerField()


def _asked(request: Request) -> tuple[datetime, str]:
    """The moment and the half-life of a request; raises ``InvalidInput``."""
    half_life = request.query_params.get("half_life", DEFAULT_HALF_LIFE)
    if half_life not in HALF_LIVES:
        raise InvalidInput(
            "'half_life' must be one of %(half_lives)s.",
            fields={"half_life": "unknown"},
            half_lives=", ".join(HALF_LIVES),
        )
    given = request.query_params.get("at", "")
    try:
        at = parse_time(given) or timezone.now()
    except RowError as error:
        raise InvalidInput("'at' must be an ISO time.", fields={"at": "is no time"}) from error
    return min(at, timezone.now()), half_life


def _point(point: IndexPoint) -> dict[str, Any]:
    return {
        "at": point.at.isoformat(),
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "volume": point.volume,
        "stories": point.stories,
    }


def _report(report: IndexReport) -> dict[str, Any]:
    return {
        "half_life": report.half_life,
        "rules": RULES,
        **_point(report.now),
        "hour_change": report.hour_change,
        "day_change": report.day_change,
        "z": report.z,
        "usual": report.usual,
        "momentum": report.momentum,
    }


def _whole(report: IndexReport) -> dict[str, Any]:
    """The report with its course and the articles behind the value, 1,000 at most: those that move
    it most, the earliest first."""
    stories = [
        {
            "article": share.telling.article_id,
            "net": share.telling.net,
            "fresh_weight": share.telling.weight,
            "weight": share.weight,
            "contribution": share.contribution,
            "known_at": share.telling.known_at.isoformat(),
            "models": share.telling.models,
        }
        for share in report.shares
    ]
    course = [_point(point) for point in report.course]
    return {**_report(report), "course": course, "stories": stories}


@extend_schema(parameters=_PARAMETERS, responses=OpenApiTypes.OBJECT)
class CompanyIndexView(AnalystView):
    """The index of a company: value, band, what is usual, its course, each story's weight."""

    def get(self, request: Request, company_id: int) -> Response:
        company = companies.company_get(company_id=company_id)
        at, half_life = _asked(request)
        report = indexes.company_index(company=company, at=at, half_life=half_life)
        return Response({"company": CompanySerializer(company).data, **_whole(report)})


@extend_schema(parameters=[*_PARAMETERS, OpenApiParameter("sector")], responses=OpenApiTypes.OBJECT)
class MarketIndexView(AnalystView):
    """The index of the whole market, or of a ``sector``."""

    def get(self, request: Request) -> Response:
        at, half_life = _asked(request)
        sector = request.query_params.get("sector", "")[:60]
        report = indexes.joint_index(at=at, half_life=half_life, sector=sector)
        return Response({"sector": sector, **_whole(report)})


class SectorsView(AnalystView):
    """The index of every sector and company with news, the sector with most news first.

    Without ``at`` as it was at most a minute ago, and fifteen seconds when news came since: ``at``
    of the answer tells.
    """

    @extend_schema(parameters=_PARAMETERS, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        at, half_life = _asked(request)
        if "at" in request.query_params:
            found = SectorMap(at, indexes.sector_indexes(at=at, half_life=half_life))
        else:
            found = sector_map(half_life=half_life)
        rows = [
            {
                "sector": sector.name,
                **_report(sector.whole),
                "companies": [
                    {"company": company_payload(company), **_report(report)}
                    for company, report in sector.companies
                ],
            }
            for sector in found.sectors
        ]
        return Response({"at": found.at.isoformat(), "results": rows})


class WatchlistView(AnalystView):
    """The caller's watchlist with the index of each company; POST puts a company on it."""

    @extend_schema(parameters=_PARAMETERS, responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        at, half_life = _asked(request)
        found = indexes.watchlist_index(owner=request.user, at=at, half_life=half_life)
        rows = [
            {"company": CompanySerializer(company).data, **_report(report)}
            for company, report in found.rows
        ]
        return Response({"whole": _whole(found.whole), "results": rows})

    @extend_schema(request=WatchInput, responses=CompanySerializer)
    def post(self, request: Request) -> Response:
        data = validated(WatchInput(data=request.data))
        company = company_watch(actor=request.user, company_id=data["company"])
        return Response(CompanySerializer(company).data, status=201)


class WatchedView(AnalystView):
    """DELETE takes a company off the caller's watchlist."""

    @extend_schema(responses={204: None})
    def delete(self, request: Request, company_id: int) -> Response:
        company_unwatch(actor=request.user, company_id=company_id)
        return Response(status=204)
