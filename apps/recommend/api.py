"""``/api/v1/recommend/``: what readers do and are shown, search, profile."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import CursorPagination
from apps.core.errors import InvalidInput, NotAllowed, Problem
from apps.recommend import page, selectors, serializers
from apps.recommend.models import Kind, Reader
from apps.recommend.payloads import reader_payload
from apps.recommend.services import events as deeds
from apps.recommend.services.forgetting import reader_forget
from apps.recommend.services.readers import (
    dial_set,
    learning_set,
    reader_for_external,
    wish_clear,
    wish_set,
)
from apps.recommend.traces import proof_of, proof_payload, sealed
from apps.recommend.visitors import Visitor, remember, visitor_from

TOGETHER = 50
"""The events of a batch that are stored in one transaction: a commit costs more than a row, but
nothing else is written meanwhile."""
READER = OpenApiParameter("reader", description="another reader's id (administrators)")


class ReaderView(APIView):
    """Base of what a reader may do without an account: the caller is a user or has a cookie."""

    permission_classes = [AllowAny]
    visitor: Visitor

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        visitor = visitor_from(request.user, request.COOKIES)
        assert visitor is not None  # a new one is made when there is none
        self.visitor = visitor

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if hasattr(self, "visitor"):
            remember(response, self.visitor)
        return response

    def reader(self, request: Request, perm: str) -> Reader | None:
        """The reader that the request is about: the caller, or ``?reader=`` if that is allowed."""
        name = request.query_params.get("reader")
        if not name:
            return self.visitor.reader
        found = selectors.reader_get(reader_id=name)
        if not request.user.has_perm(f"recommend.{perm}", found):
            raise NotAllowed("This is another reader.")
        return found


class InteractionListView(ReaderView):
    """What a reader did, newest first; events are stored once for each event id."""

    serializer_class = serializers.InteractionSerializer

    @extend_schema(
        operation_id="recommend_interactions_list",
        parameters=[READER, OpenApiParameter("kind", enum=Kind.values), OpenApiParameter("item")],
        responses=serializers.InteractionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        reader = self.reader(request, "view_reader")
        paginator = CursorPagination()
        asked = {name: request.query_params.get(name, "") for name in ("kind", "item")}
        if asked["kind"] and asked["kind"] not in Kind.values:
            raise InvalidInput(
                "kind is one of %(values)s.", code="invalid_event", values=", ".join(Kind.values)
            )
        rows = (
            selectors.interaction_list(reader=reader, **asked)
            if reader
            else selectors.no_interactions()
        )
        shown = paginator.paginate_queryset(rows, request, view=self)
        return paginator.get_paginated_response(
            serializers.InteractionSerializer(shown, many=True).data
        )

    @extend_schema(
        request=serializers.InteractionBatchInput,
        responses={200: serializers.BatchResultSerializer},
    )
    def post(self, request: Request) -> Response:
        """Store a batch. A row that is refused is named with its index; the others are stored."""
        body = serializers.InteractionBatchInput(data=request.data)
        body.is_valid(raise_exception=True)
        stored = repeated = paused = 0
        refused = []
        # In the order of readers, so that two batches never wait for each other in a circle; what
        # one reader did stays in order.
        rows = sorted(
            enumerate(body.validated_data["interactions"]),
            key=lambda numbered: str(numbered[1].get("reader") or ""),
        )
        for start in range(0, len(rows), TOGETHER):
            readers: dict[str, Reader] = {}
            with transaction.atomic():
                for index, row in rows[start : start + TOGETHER]:
                    try:
                        recorded = self._record(request, row, readers)
                    except Problem as problem:
                        refused.append({"index": index, **problem.detail()})
                    else:
                        stored += recorded.created
                        paused += recorded.paused
                        repeated += not (recorded.created or recorded.paused)
        refused.sort(key=lambda row: row["index"])
        return Response(
            {"stored": stored, "repeated": repeated, "paused": paused, "refused": refused}
        )

    def _record(
        self, request: Request, row: dict[str, Any], readers: dict[str, Reader]
    ) -> deeds.Recorded:
        event = serializers.checked_event(row)
        name = event.pop("reader", None)
        if name is not None and not request.user.has_perm("recommend.import_items"):
            raise NotAllowed("Only administrators store what other readers did.")
        if (reader := readers.get(name or "")) is None:
            reader = reader_for_external(external_id=name) if name else self.visitor.made()
            readers[name or ""] = reader
        return deeds.interaction_record(reader=reader, source="api", **event)


class InteractionView(ReaderView):
    """Take back one event of the caller; the opinion that it replaced is held again."""

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, event_id: str) -> Response:
        if self.visitor.reader is not None:
            deeds.interaction_remove(reader=self.visitor.reader, event_id=event_id)
        return Response(status=204)


class RecommendationsView(ReaderView):
    """The reader's page as sections of cards, each with its reason."""

    serializer_class = serializers.RecommendationsSerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request) -> Response:
        return Response(page.page_of(self.reader(request, "view_reader")))


class SearchView(ReaderView):
    """Items for a free text, best first, with the passage that matches; none that a rule hides."""

    serializer_class = serializers.CardListSerializer

    @extend_schema(parameters=[OpenApiParameter("q", required=True)])
    def get(self, request: Request) -> Response:
        query = request.query_params.get("q", "")
        found = page.search_results(self.visitor.reader, query, key=self.visitor.key)
        return Response({"items": found})


class ProfileView(ReaderView):
    """What the caller asked for; deleting it forgets the caller with everything known.

    Of a reader whom nobody knows the ``id`` is empty.
    """

    serializer_class = serializers.ProfileSerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request) -> Response:
        reader = self.reader(request, "view_reader")
        if reader is None:
            own = "" if request.query_params.get("reader") else str(self.visitor.key)
            blank = {"id": own, "simulated": False, "wish": ""}
            return Response({**blank, "familiarity": 0.0, "paused": False, "preferences": []})
        stances = selectors.preference_list(reader=reader)
        shown = serializers.PreferenceSerializer(stances, many=True).data
        return Response({**reader_payload(reader), "preferences": shown})

    @extend_schema(request=serializers.ProfileInput)
    def patch(self, request: Request) -> Response:
        body = serializers.ProfileInput(data=request.data)
        body.is_valid(raise_exception=True)
        reader = self.visitor.made()
        wish = body.validated_data.get("wish")
        if wish is not None:
            if wish.strip():
                wish_set(reader=reader, sentence=wish)
            else:
                wish_clear(reader=reader)
        if (familiarity := body.validated_data.get("familiarity")) is not None:
            dial_set(reader=reader, value=familiarity)
        if (paused := body.validated_data.get("paused")) is not None:
            learning_set(reader=reader, paused=paused)
        for preference in body.validated_data.get("preferences", []):
            deeds.preference_set(reader=reader, **preference)
        self.visitor = Visitor(reader.key, reader, self.visitor.user)
        return self.get(request)

    @extend_schema(parameters=[READER], responses={200: serializers.ReceiptSerializer})
    def delete(self, request: Request) -> Response:
        reader = self.reader(request, "change_reader")
        if reader is None:
            return Response({"receipt": "", "at": None, "deleted": {}})
        receipt, looked_for = reader_forget(reader=reader, actor=request.user)
        if self.visitor.user is None:
            self.visitor = Visitor(uuid.uuid4(), None, None)
        seal = sealed(looked_for, receipt)
        return Response(proof_payload(proof_of(seal), seal))


urlpatterns = [
    path("interactions/", InteractionListView.as_view(), name="api-recommend-interactions"),
    path(
        "interactions/<path:event_id>/",
        InteractionView.as_view(),
        name="api-recommend-interaction",
    ),
    path("recommendations/", RecommendationsView.as_view(), name="api-recommend-recommendations"),
    path("search/", SearchView.as_view(), name="api-recommend-search"),
    path("profile/", ProfileView.as_view(), name="api-recommend-profile"),
]
