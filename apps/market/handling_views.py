"""The pages of what happens to alerts: the handling of a rule, silences."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import Problem
from apps.market.access import analyst_required
from apps.market.handling_forms import SPELLS, HandlingForm, SilenceForm
from apps.market.hours import time_zones
from apps.market.models import Silence
from apps.market.selectors import alerts, companies, deliveries, silences
from apps.market.selectors.digests import digest_list
from apps.market.selectors.people import colleague_list
from apps.market.services import handling
from apps.market.services.silences import silence_create, silence_end
from apps.market.topics import TOPICS

SHOWN = 50


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def rule_handling(request: HttpRequest, rule_id: int) -> HttpResponse:
    """What happens to the alerts of one rule."""
    found = handling.handling_own(actor=request.user, rule_id=rule_id)
    channels = deliveries.channel_list(owner=request.user)
    problem, status = "", 200
    if request.method == "POST":
        form = HandlingForm(request.POST, channels=channels)
        try:
            handling.handling_set(actor=request.user, rule_id=rule_id, wanted=form.wanted())
        except Problem as refused:
            problem, status = refused.message, refused.status
        else:
            messages.success(request, gettext("Saved: it holds for alerts from now on."))
            return redirect("market:rules")
    else:
        form = HandlingForm.of(found, channels=channels)
    context = {
        "rule": found.rule,
        "form": form,
        "channels": channels,
        "chosen": {str(number) for number in form["channels"].value() or ()},
        "colleagues": colleague_list(of=request.user),
        "has_digest": digest_list(owner=request.user).exists(),
        "zones": sorted(time_zones()),
        "problem": problem,
    }
    return render(request, "market/handling.html", context, status=status)


def _silences_page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    now = timezone.now()
    found = list(silences.silence_list(owner=request.user)[:SHOWN])
    context = {
        "current": [silence for silence in found if silence.ends_at > now],
        "past": [silence for silence in found if silence.ends_at <= now],
        "now": now,
        "rules": alerts.rule_list(owner=request.user),
        "sectors": silences.sector_list(),
        "topics": TOPICS,
        "spells": SPELLS,
        "known": companies.companies_in_news(),
        "entered": {
            "subject": request.GET.get("subject", "")[:80],
            "company": request.GET.get("company", "")[:200],
        },
        **more,
    }
    return render(request, "market/silences.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def silence_page(request: HttpRequest) -> HttpResponse:
    """The analyst's silences; posting starts one."""
    if request.method != "POST":
        return _silences_page(request)
    form = SilenceForm(request.POST)
    try:
        silence: Silence = silence_create(actor=request.user, wanted=form.wanted())
    except Problem as problem:
        return _silences_page(
            request, status=problem.status, problem=problem.message, entered=request.POST
        )
    words = gettext("Alerts about %(name)s are kept quiet.")
    messages.success(request, words % {"name": silence.about})
    return redirect("market:silences")


@require_POST
@analyst_required
def silence_stop(request: HttpRequest, silence_id: int) -> HttpResponse:
    """End one silence early."""
    try:
        silence_end(actor=request.user, silence_id=silence_id)
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("market:silences")
