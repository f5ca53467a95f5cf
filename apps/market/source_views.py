"""The page of sources: feeds and their state, uploads, the backlog."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import Problem
from apps.core.jobs import job_start
from apps.core.models import Job
from apps.market.access import analyst_required
from apps.market.models import Source
from apps.market.selectors import sources
from apps.market.services.hooks import webhook_create, webhook_renew_secret
from apps.market.services.imports import IMPORT_JOB, LARGE_IMPORT_JOB, import_start
from apps.market.services.known_feeds import known_feed_follow
from apps.market.services.prices import prices_import
from apps.market.services.source_settings import source_update
from apps.market.services.sources import USUAL_INTERVAL, feed_create, feed_pause
from apps.market.tasks import POLL_JOB

OFFERED_INTERVALS = (60, USUAL_INTERVAL, 900, 3600, 21_600, 86_400)
"""The seconds between polls that the form of a new feed offers; its settings take any."""


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    found = list(sources.source_list())
    feeds = [source for source in found if source.kind == Source.Kind.FEED]
    failing = Source.State.FAILING
    context = {
        "feeds": sorted(feeds, key=lambda source: source.state != failing),
        "failing": sum(source.state == failing for source in feeds),
        "hooks": [source for source in found if source.kind == Source.Kind.WEBHOOK],
        "others": [s for s in found if s.kind not in (Source.Kind.FEED, Source.Kind.WEBHOOK)],
        "clocks_ahead": sources.clocks_ahead(),
        "site": settings.SITE_URL,
        "backlog": sources.backlog(),
        "known_feeds": sources.known_feeds_left(),
        "intervals": OFFERED_INTERVALS,
        "interval": USUAL_INTERVAL,
        "jobs": sources.job_list(
            owner=request.user, kinds=(IMPORT_JOB, LARGE_IMPORT_JOB, POLL_JOB)
        ),
        **more,
    }
    return render(request, "market/sources.html", context, status=status)


@require_GET
@never_cache
@analyst_required
def backlog(request: HttpRequest) -> HttpResponse:
    """How far the scoring is behind, for a page that stays open."""
    return render(request, "market/parts/backlog.html", {"backlog": sources.backlog()})


def _poll(request: HttpRequest, source: Source) -> Job:
    return job_start(
        kind=POLL_JOB,
        title=gettext("Poll %(name)s") % {"name": source.name},
        owner=request.user,
        arguments={"source_id": source.pk},
    )


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def source_list(request: HttpRequest) -> HttpResponse:
    """All sources; posting adds a feed and polls it at once."""
    if request.method == "POST":
        url, name = request.POST.get("url", ""), request.POST.get("name", "")
        typed = request.POST.get("interval_seconds", "")
        # What is no number is out of bounds: the service says what they are.
        seconds = (int(typed) if typed.isdecimal() else 0) if typed else USUAL_INTERVAL
        try:
            source = feed_create(actor=request.user, url=url, name=name, interval_seconds=seconds)
        except Problem as problem:
            typed_in = {"url": url, "name": name, "interval": seconds}
            return _page(request, status=problem.status, feed_problem=problem.message, **typed_in)
        _poll(request, source)
        return redirect("market:sources")
    return _page(request)


@require_POST
@analyst_required
def known_feed(request: HttpRequest) -> HttpResponse:
    """Follow one of the known public feeds, and poll it at once."""
    try:
        source = known_feed_follow(actor=request.user, url=request.POST.get("url", ""))
    except Problem as problem:
        return _page(request, status=problem.status, feed_problem=problem.message)
    _poll(request, source)
    return redirect("market:sources")


@require_POST
@analyst_required
def source_poll(request: HttpRequest, source_id: int) -> HttpResponse:
    _poll(request, sources.source_get(source_id=source_id))
    return redirect("market:sources")


@require_POST
@analyst_required
def source_pause(request: HttpRequest, source_id: int) -> HttpResponse:
    source = sources.source_get(source_id=source_id)
    feed_pause(actor=request.user, source=source, paused="paused" in request.POST)
    return redirect("market:sources")


@require_POST
@never_cache
@analyst_required
def webhook_add(request: HttpRequest) -> HttpResponse:
    """Add a webhook; its secret is on the page that answers, this once."""
    try:
        source, secret = webhook_create(actor=request.user, name=request.POST.get("name", ""))
    except Problem as problem:
        return _page(request, status=problem.status, hook_problem=problem.message)
    return _page(request, status=201, secret=secret, secret_of=source)


@require_POST
@never_cache
@analyst_required
def webhook_secret(request: HttpRequest, source_id: int) -> HttpResponse:
    """Give a webhook a new secret, shown this once."""
    source, secret = webhook_renew_secret(actor=request.user, source_id=source_id)
    return _page(request, secret=secret, secret_of=source)


@require_POST
@analyst_required
def source_settings(request: HttpRequest, source_id: int) -> HttpResponse:
    """Change how much a source counts, its licence, language, time zone and interval."""
    source = sources.source_get(source_id=source_id)
    given = {name: request.POST[name].strip() for name in _SETTINGS if name in request.POST}
    try:
        wanted = {name: _SETTINGS[name](value) for name, value in given.items()}
    except ValueError:
        messages.error(request, gettext("Weight and interval are numbers."))
        return redirect("market:sources")
    try:
        source_update(actor=request.user, source=source, **wanted)
    except Problem as problem:
        messages.error(request, problem.message)
    else:
        messages.success(request, gettext("%(name)s is changed.") % {"name": source.name})
    return redirect("market:sources")


_SETTINGS: dict[str, Callable[[str], Any]] = {
    "weight": float,
    "licence": str,
    "language": str,
    "time_zone": str,
    "interval_seconds": int,
}


@require_POST
@analyst_required
def prices(request: HttpRequest) -> HttpResponse:
    """Import closing prices."""
    try:
        number = prices_import(actor=request.user, upload=request.FILES.get("file"))
    except Problem as problem:
        return _page(request, status=problem.status, price_problem=problem.message)
    messages.success(request, gettext("%(n)s prices are stored.") % {"n": number})
    return redirect("market:sources")


@require_POST
@analyst_required
def upload(request: HttpRequest) -> HttpResponse:
    """Import a file of articles as a job."""
    try:
        import_start(
            actor=request.user,
            upload=request.FILES.get("file"),
            skip_bad="skip_bad" in request.POST,
        )
    except Problem as problem:
        return _page(request, status=problem.status, upload_problem=problem.message)
    return redirect("market:sources")
