"""The page of channels and deliveries, and of what happens to the alerts of a rule."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import Problem
from apps.market.access import analyst_required
from apps.market.hours import time_zones
from apps.market.models import Channel, Delivery, Digest
from apps.market.selectors import deliveries
from apps.market.selectors.digests import digest_list
from apps.market.services import channels
from apps.market.services.deliveries import delivery_resend
from apps.market.services.digests import digest_create, digest_delete

SHOWN = 50


def _log(request: HttpRequest) -> dict[str, Any]:
    state = request.GET.get("state", "")
    state = state if state in Delivery.State.values else ""
    found = list(deliveries.delivery_list(owner=request.user, state=state)[:SHOWN])
    waiting = any(delivery.state == Delivery.State.WAITING for delivery in found)
    return {
        "deliveries": found,
        "state": state,
        "states": Delivery.State.choices,
        "waiting": waiting,
        "shown": SHOWN,
    }


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "channels": deliveries.channel_list(owner=request.user),
        "kinds": Channel.Kind.choices,
        "digests": digest_list(owner=request.user),
        "spans": Digest.Every.choices,
        "hours": range(24),
        "zones": sorted(time_zones()),
        **_log(request),
        **more,
    }
    return render(request, "market/delivery.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def delivery_page(request: HttpRequest) -> HttpResponse:
    """The analyst's channels and the log; posting adds a channel and shows its secret once."""
    if request.method != "POST":
        return _page(request)
    entered = {name: request.POST.get(name, "") for name in ("name", "kind", "address")}
    try:
        channel, secret = channels.channel_create(actor=request.user, **entered)
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem.message, entered=entered)
    if secret:
        return _page(request, secret=secret, secret_of=channel)
    messages.success(
        request,
        gettext("The channel “%(name)s” is added. Send a test through it.")
        % {"name": channel.name},
    )
    return redirect("market:delivery")


@require_GET
@never_cache
@analyst_required
def delivery_log(request: HttpRequest) -> HttpResponse:
    """The log as a fragment, asked for again while something waits."""
    return render(request, "market/parts/delivery_log.html", _log(request))


@require_POST
@analyst_required
def channel_act(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Test, switch, renew the secret of, or delete one channel."""
    action = request.POST.get("action", "")
    chosen: dict[str, Any] = {"actor": request.user, "channel_id": channel_id}
    if action == "secret":
        channel, secret = channels.channel_renew_secret(**chosen)
        return _page(request, secret=secret, secret_of=channel)
    if action == "test":
        channels.channel_test(**chosen)
        messages.success(request, gettext("The test is on its way; the log says how it went."))
    elif action in ("on", "off"):
        channels.channel_switch(**chosen, enabled=action == "on")
    elif action == "delete":
        channels.channel_delete(**chosen)
        messages.success(request, gettext("The channel is deleted; its log stays."))
    return redirect("market:delivery")


@require_POST
@analyst_required
def resend(request: HttpRequest, delivery_id: int) -> HttpResponse:
    try:
        delivery_resend(actor=request.user, delivery_id=delivery_id)
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("market:delivery")


@require_POST
@analyst_required
def digest_add(request: HttpRequest) -> HttpResponse:
    """Add a digest to one of the analyst's channels."""
    sent = request.POST
    numbers = {name: sent.get(name, "") for name in ("channel", "hour")}
    try:
        digest = digest_create(
            actor=request.user,
            channel_id=int(numbers["channel"]) if numbers["channel"].isdecimal() else 0,
            every=sent.get("every", ""),
            hour=int(numbers["hour"]) if numbers["hour"].isdecimal() else -1,
            time_zone=sent.get("time_zone", "").strip() or "UTC",
        )
    except Problem as problem:
        return _page(request, status=problem.status, digest_problem=problem.message)
    words = gettext("The digest goes to %(name)s.")
    messages.success(request, words % {"name": digest.channel.name})
    return redirect("market:delivery")


@require_POST
@analyst_required
def digest_end(request: HttpRequest, digest_id: int) -> HttpResponse:
    """End one digest."""
    digest_delete(actor=request.user, digest_id=digest_id)
    return redirect("market:delivery")
