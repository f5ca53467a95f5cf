"""The screen of content gaps."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.selectors import signed_in
from apps.support.access import permission_needed
from apps.support.models import Gap
from apps.support.selectors import gaps as selectors
from apps.support.services import gaps as services

_writers_only = permission_needed("support.change_articles")


@require_GET
@never_cache
@permission_needed("support.view_conversation")
def gap_table(request: HttpRequest) -> HttpResponse:
    """Gaps of ``?state=``, the largest first."""
    state = request.GET.get("state", Gap.State.OPEN)
    state = state if state in Gap.State.values else Gap.State.OPEN
    operator = signed_in(request)
    numbers = selectors.gap_counts(operator=operator)
    context = {
        "rows": selectors.gap_list(operator=operator, state=state),
        "state": state,
        "states": [(value, label, numbers[value]) for value, label in Gap.State.choices],
    }
    return render(request, "support/gaps.html", context)


@require_POST
@_writers_only
def gap_draft(request: HttpRequest, gap_id: int) -> HttpResponse:
    """Begin an article and go on writing it."""
    article = services.gap_draft(gap_id=gap_id, actor=signed_in(request))
    return redirect("support:article-edit", article.slug)


@require_POST
@_writers_only
def gap_dismiss(request: HttpRequest, gap_id: int) -> HttpResponse:
    """Dismiss a gap, or with ``back`` open it again."""
    services.gap_dismiss(gap_id=gap_id, actor=signed_in(request), back="back" in request.POST)
    return redirect("support:gaps")
