"""``/api/v1/support/reports/``: what the desk did in a period."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.support.endpoints import Anything, require
from apps.support.reporting import report_csv, report_of, report_payload


class ReportView(APIView):
    """Volumes, automation, times, promises of time, satisfaction, by team, operator and article.

    ``from`` and ``to`` are dates, by default the last 30 days; ``team`` an id; ``table`` (``days``,
    ``reasons``, ``teams``, ``operators``, ``articles``) answers one table as CSV. Times are in
    seconds.
    """

    @extend_schema(responses=Anything)
    def get(self, request: Request) -> Response | HttpResponse:
        require(request, "support.view_reports")
        report = report_of(request.query_params, operator=signed_in(request))
        if table := request.query_params.get("table", ""):
            return HttpResponse(report_csv(report, table), content_type="text/csv; charset=utf-8")
        return Response(report_payload(report))


urlpatterns = [path("reports/", ReportView.as_view(), name="api-reports")]
