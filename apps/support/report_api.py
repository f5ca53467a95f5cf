"""``/api/v1/support/reports/``: what the desk did in a period, and the conversations behind it."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support.endpoints import Anything, require, valid
from apps.support.models import ReportMail
from apps.support.payloads import conversation_payload
from apps.support.reporting import part_of, report_csv, report_of, report_payload
from apps.support.selectors.report_parts import PARTS
from apps.support.services import report_mails
from apps.support.services.report_mails import EVERY

_PERIOD = [
    OpenApiParameter("from", str, description="a date; 30 days ago"),
    OpenApiParameter("to", str, description="a date; today"),
    OpenApiParameter("team", int),
]


class ReportView(APIView):
    """Volumes, automation, times, promises of time, satisfaction, by team, operator, article and
    matter.

    ``from`` and ``to`` are dates, by default the last 30 days; ``team`` an id; ``table`` (``days``,
    ``reasons``, ``teams``, ``operators``, ``articles``, ``matters``) answers one table as CSV.
    Times are in seconds.
    """

    @extend_schema(parameters=[*_PERIOD, OpenApiParameter("table", str)], responses=Anything)
    def get(self, request: Request) -> Response | HttpResponse:
        require(request, "support.view_reports")
        report = report_of(request.query_params, operator=signed_in(request))
        if table := request.query_params.get("table", ""):
            return HttpResponse(report_csv(report, table), content_type="text/csv; charset=utf-8")
        return Response(report_payload(report))


class ReportPartView(APIView):
    """The conversations behind a number of the report, the latest 500.

    ``part`` is what the number counts; ``name`` the row of its table: a day, reason, team, an
    operator's ``key``, an article's id, a matter, or ``yes`` and ``no`` of ``helped``.
    """

    @extend_schema(
        parameters=[
            *_PERIOD,
            OpenApiParameter("part", str, enum=PARTS, required=True),
            OpenApiParameter("name", str),
        ],
        responses=Anything(many=True),
    )
    def get(self, request: Request) -> Response:
        require(request, "support.view_reports")
        rows = part_of(request.query_params, operator=signed_in(request))
        return Response([conversation_payload(row) for row in rows])


class ReportMailInput(serializers.Serializer[Any]):
    every = serializers.ChoiceField(choices=EVERY)
    team = serializers.IntegerField(allow_null=True, default=None, source="team_id")


class ReportMailView(APIView):
    """Whether one gets the report by mail: ``never``, of each ``day``, ``week`` or ``month``."""

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response:
        require(request, "support.view_reports")
        return Response(_wish(report_mails.wish_get(operator=signed_in(request))))

    @extend_schema(request=ReportMailInput, responses=Anything)
    def put(self, request: Request) -> Response:
        require(request, "support.view_reports")
        values = valid(ReportMailInput, request)
        return Response(_wish(report_mails.wish_set(operator=signed_in(request), **values)))


def _wish(wish: ReportMail | None) -> dict[str, Any]:
    return {
        "every": wish.every if wish else report_mails.NEVER,
        "team": wish.team_id if wish else None,
    }


urlpatterns = [
    path("reports/mail/", ReportMailView.as_view(), name="api-report-mail"),
    path("reports/", ReportView.as_view(), name="api-reports"),
    path("reports/conversations/", ReportPartView.as_view(), name="api-report-part"),
]
