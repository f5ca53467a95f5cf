"""The page on which an analyst plays archives as live news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.errors import InvalidInput, Problem
from apps.market.access import analyst_required
from apps.market.models import Replay
from apps.market.selectors.replays import replay_list
from apps.market.services.replays import replay_change, replay_of_file, replay_of_period

SPEEDS = [
    (1, _("as it was")),
    (10, _("10 times as fast")),
    (60, _("a minute a second")),
    (600, _("ten minutes a second")),
    (3600, _("an hour a second")),
    (86400, _("a day a second")),
]
_SHOWN = 10


def _context(request: HttpRequest, **more: Any) -> dict[str, Any]:
    replays = list(replay_list(owner=request.user)[:_SHOWN])
    return {
        "replays": replays,
        "going": any(replay.state == Replay.State.RUNNING for replay in replays),
        "speeds": SPEEDS,
        **more,
    }


@require_http_methods(["GET", "POST"])
@never_cache
@analyst_required
def replays(request: HttpRequest) -> HttpResponse:
    """The analyst's replays; posting begins one, of a file or of a period."""
    if request.method == "POST":
        try:
            replay = _begin(request)
        except Problem as problem:
            sent = {name: request.POST.get(name, "") for name in ("since", "until", "speed")}
            more = {"problem": problem.message, "sent": sent}
            return render(
                request, "market/replays.html", _context(request, **more), status=problem.status
            )
        messages.success(
            request,
            gettext("%(n)s articles of “%(name)s” play.")
            % {"n": replay.number, "name": replay.name},
        )
        return redirect("market:replays")
    today = timezone.now().date()
    first, last = (today - timedelta(days=days) for days in (30, 4))
    sent = {"since": first.isoformat(), "until": last.isoformat(), "speed": "3600"}
    return render(request, "market/replays.html", _context(request, sent=sent))


def _begin(request: HttpRequest) -> Replay:
    try:
        speed = float(request.POST.get("speed", ""))
    except ValueError as error:
        raise InvalidInput("Choose how fast it plays.", fields={"speed": "unknown"}) from error
    if upload := request.FILES.get("file"):
        return replay_of_file(actor=request.user, upload=upload, speed=speed)
    try:
        since, until = (
            datetime.fromisoformat(request.POST.get(end, "")).replace(tzinfo=UTC)
            for end in ("since", "until")
        )
    except ValueError as error:
        raise InvalidInput("Choose a file, or the days of stored news.") from error
    return replay_of_period(
        actor=request.user, since=since, until=until + timedelta(days=1), speed=speed
    )


@require_GET
@never_cache
@analyst_required
def replay_rows(request: HttpRequest) -> HttpResponse:
    """How far the replays are, as a fragment."""
    return render(request, "market/parts/replays.html", _context(request))


@require_POST
@analyst_required
def replay_act(request: HttpRequest, replay_id: int) -> HttpResponse:
    """Pause, go on, cancel, or change the speed."""
    try:
        speed = request.POST.get("speed", "")
        replay_change(
            actor=request.user,
            replay_id=replay_id,
            speed=float(speed) if speed else None,
            state=request.POST.get("state", ""),
        )
    except ValueError:
        messages.error(request, gettext("Choose how fast it plays."))
    except Problem as problem:
        if problem.status == 404:
            raise
        messages.error(request, problem.message)
    return redirect("market:replays")
