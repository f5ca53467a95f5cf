"""The console's control to correct the matter of a customer's message: a fragment of the panel."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts.selectors import signed_in
from apps.core.errors import Problem
from apps.support.access import permission_needed
from apps.support.services import corrections
from ml.types import OUT_OF_SCOPE


@require_http_methods(["GET", "POST"])
@never_cache
@permission_needed("support.correct_intents")
def correction(request: HttpRequest, conversation_id: UUID, seq: int) -> HttpResponse:
    """Show the control; posted, it stores ``label``, or that it is ``none``, or does ``undo``."""
    operator = signed_in(request)
    problem = None
    try:
        if "undo" in request.POST:
            corrections.intent_correction_undo(
                conversation_id=conversation_id, seq=seq, operator=operator
            )
        elif request.method == "POST":
            none_of_these = "none" in request.POST
            corrections.intent_correct(
                conversation_id=conversation_id,
                seq=seq,
                operator=operator,
                label=OUT_OF_SCOPE if none_of_these else request.POST.get("label", "")[:500],
            )
    except Problem as error:
        problem = error
    found = corrections.correction_get(conversation_id=conversation_id, seq=seq, operator=operator)
    context = {"correction": found, "conversation_id": conversation_id, "problem": problem}
    return render(request, "support/parts/correction.html", context)
