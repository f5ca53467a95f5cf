"""The page on what live models are asked and whether it is still what they learned."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.modelhub import monitoring_charts, monitoring_report
from apps.modelhub.access import permission_needed
from apps.modelhub.selectors.monitoring import alarm_list, monitored_tasks
from apps.modelhub.selectors.weekly import WEEK, weekly
from apps.modelhub.weekly_report import week_asked

SPANS = {"1": timedelta(days=1), "7": timedelta(days=7), "30": timedelta(days=30)}
_ALARMS = 20


@require_GET
@never_cache
@permission_needed("modelhub.view_models")
def monitoring(request: HttpRequest) -> HttpResponse:
    """Charts of one task over a day, a week or a month."""
    tasks = monitored_tasks()
    task = request.GET.get("task") or (tasks[0] if tasks else "")
    days = request.GET.get("days", "1")
    days = days if days in SPANS else "1"
    context: dict[str, Any] = {
        "tasks": tasks,
        "task": task,
        "days": days,
        "spans": SPANS,
        "alarms": alarm_list()[:_ALARMS],
    }
    if task:
        report = monitoring_report.report(task=task, since=timezone.now() - SPANS[days])
        context |= {"report": report, "charts": monitoring_charts.charts(report.traffic)}
    return render(request, "modelhub/monitoring.html", context)


@require_GET
@never_cache
@permission_needed("modelhub.view_models")
def week(request: HttpRequest) -> HttpResponse:
    """The report of the week of ``?week=``, a day of it, or of the last whole week."""
    start = week_asked(request.GET.get("week", ""))
    context = {
        "start": start,
        "last": start + WEEK - timedelta(days=1),
        "earlier": start - WEEK,
        "later": start + WEEK,
        "unfinished": start + WEEK > timezone.now(),
        "weeks": weekly(start=start),
    }
    return render(request, "modelhub/weekly.html", context)
