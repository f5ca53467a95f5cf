"""Content gaps under ``/api/v1/support/gaps/``."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.selectors import signed_in
from apps.core.errors import InvalidInput
from apps.support.endpoints import Anything, require
from apps.support.models import Gap
from apps.support.selectors import gaps as selectors
from apps.support.services import gaps as services


class GapsView(APIView):
    """What customers asked and no article answers, the largest first; ``state`` is ``open``,
    ``drafted`` or ``dismissed``."""

    @extend_schema(responses=Anything(many=True))
    def get(self, request: Request) -> Response:
        require(request, "support.view_conversation")
        state = request.query_params.get("state", Gap.State.OPEN)
        if state not in Gap.State.values:
            raise InvalidInput("There is no such state of a gap.", fields={"state": "unknown"})
        found = selectors.gap_list(operator=signed_in(request), state=state)
        return Response([_payload(row) for row in found])


class GapActionView(APIView):
    """Begin an article about a gap, dismiss it, or open it again."""

    @extend_schema(request=None, responses=Anything)
    def post(self, request: Request, gap_id: int, action: str) -> Response:
        require(request, "support.change_articles")
        actor = signed_in(request)
        if action == "draft":
            article = services.gap_draft(gap_id=gap_id, actor=actor)
            return Response({"article": article.slug}, status=201)
        gap = services.gap_dismiss(gap_id=gap_id, actor=actor, back=action == "reopen")
        return Response({"id": gap.pk, "state": gap.state})


def _payload(row: selectors.GapReport) -> dict[str, Any]:
    return {
        "id": row.gap.pk,
        "state": row.gap.state,
        "name": row.name,
        "size": row.size,
        "last": row.last.isoformat(),
        "article": row.gap.article.slug if row.gap.article else None,
        "examples": [
            {"text": one.text, "conversation": str(one.conversation_id), "seq": one.seq}
            for one in row.shown
        ],
    }


urlpatterns = [
    path("gaps/", GapsView.as_view(), name="api-gaps"),
    *(
        path(f"gaps/<int:gap_id>/{action}/", GapActionView.as_view(), {"action": action})
        for action in ("draft", "dismiss", "reopen")
    ),
]
