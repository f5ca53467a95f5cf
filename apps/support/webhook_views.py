"""The page of webhooks and of the log of what they were told."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support.access import permission_needed
from apps.support.selectors.webhooks import webhook_list, webhook_log
from apps.support.services import webhooks
from apps.support.services.telling import EVENTS
from apps.support.webhook_models import WebhookDelivery

_SHOWN = 50
_guarded = permission_needed("support.change_webhooks")


@require_http_methods(["GET", "POST"])
@never_cache
@_guarded
def webhook_table(request: HttpRequest) -> HttpResponse:
    """The webhooks and the log; posting adds one and shows its secret once."""
    if request.method != "POST":
        return _page(request)
    form = request.POST
    entered: dict[str, Any] = {name: form.get(name, "") for name in ("name", "address")}
    entered["events"] = form.getlist("events")
    try:
        webhook, secret = webhooks.webhook_create(actor=signed_in(request), **entered)
    except Problem as problem:
        return _page(request, status=problem.status, problem=problem, entered=entered)
    return _page(request, secret=secret, secret_of=webhook)


@require_GET
@never_cache
@_guarded
def log(request: HttpRequest) -> HttpResponse:
    """The log as a fragment, asked for again while something waits."""
    return render(request, "support/parts/webhook_log.html", _log(request))


@require_POST
@_guarded
def webhook_act(request: HttpRequest, webhook_id: int) -> HttpResponse:
    """Test, switch, change the events of, renew the secret of, or delete one webhook."""
    action, actor = request.POST.get("action", ""), signed_in(request)
    which: dict[str, Any] = {"actor": actor, "webhook_id": webhook_id}
    try:
        if action == "secret":
            webhook, secret = webhooks.webhook_renew_secret(**which)
            return _page(request, secret=secret, secret_of=webhook)
        if action == "test":
            webhooks.webhook_test(webhook_id=webhook_id)
            messages.success(request, gettext("The test is on its way; the log says how it went."))
        elif action in ("on", "off"):
            webhooks.webhook_change(**which, enabled=action == "on")
        elif action == "events":
            webhooks.webhook_change(**which, events=request.POST.getlist("events"))
            messages.success(request, gettext("It is told of that from now on."))
        elif action == "delete":
            webhooks.webhook_delete(**which)
            messages.success(request, gettext("The webhook is deleted; its log stays."))
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("support:webhooks")


@require_POST
@_guarded
def resend(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Send again what was given up."""
    try:
        webhooks.webhook_resend(delivery_id=delivery_id)
    except Problem as problem:
        messages.error(request, problem.message)
    return redirect("support:webhooks")


def _log(request: HttpRequest) -> dict[str, Any]:
    state = request.GET.get("state", "")
    state = state if state in WebhookDelivery.State.values else ""
    found = list(webhook_log(state=state)[:_SHOWN])
    return {
        "deliveries": found,
        "state": state,
        "states": WebhookDelivery.State.choices,
        "waiting": any(one.state == WebhookDelivery.State.WAITING for one in found),
        "shown": _SHOWN,
    }


def _page(request: HttpRequest, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"webhooks": webhook_list(), "events": EVENTS.items(), **_log(request), **more}
    return render(request, "support/webhooks.html", context, status=status)
