"""The page of what is unusual, with how often its detection errs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.core.errors import Problem
from apps.market.access import analyst_required
from apps.market.models import Detector
from apps.market.reasons import anomaly_words
from apps.market.selectors import sources
from apps.market.selectors.anomalies import anomaly_list, detector_list
from apps.market.services.anomalies import TUNE_JOB, detection_tune_start
from apps.market.tuning import LEAST_STORIES, WANTED

MOST = 100


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def unusual(request: HttpRequest) -> HttpResponse:
    """What was unusual in the last 30 days; posting tunes the detection."""
    if request.method != "POST":
        return _page(request)
    try:
        detection_tune_start(actor=request.user, wanted=_wanted(request))
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem.message)
    return redirect("market:unusual")


def _wanted(request: HttpRequest) -> float:
    try:
        return float(request.POST.get("false_alarms", ""))
    except ValueError:
        return 0.0


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    kind = request.GET.get("kind", "")
    kind = kind if kind in Detector.Kind.values else ""
    mine = "mine" in request.GET
    rows = anomaly_list(kind=kind, watched_by=request.user.pk if mine else None)[:MOST]
    context = {
        "anomalies": [(one, anomaly_words(one)) for one in rows],
        "detectors": [(one, _false_share(one)) for one in detector_list()],
        "kinds": Detector.Kind.choices,
        "kind": kind,
        "mine": mine,
        "wanted": WANTED,
        "least": LEAST_STORIES,
        "jobs": sources.job_list(owner=request.user, kinds=(TUNE_JOB,), limit=1),
        **more,
    }
    return render(request, "market/unusual.html", context, status=status)


def _false_share(detector: Detector) -> float | None:
    """The share of a kind's findings that chance explains; ``None`` if it found nothing."""
    return min(1.0, detector.false_alarms / detector.found) if detector.found else None
