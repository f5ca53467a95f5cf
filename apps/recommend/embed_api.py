"""``/api/v1/recommend/embed/``: recommendations and events for pages of other sites.

Without cookies and without an account. Only pages of ``TREFOIL_EMBED_ORIGINS`` may read the
answers; :mod:`apps.recommend.embedding_site` says who a reader is.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.errors import InvalidInput, NotAllowed, Problem
from apps.recommend import page
from apps.recommend.embedding_site import reader_known, reader_made, visitor_read
from apps.recommend.serializers import BatchResultSerializer, CardSerializer, checked_event
from apps.recommend.services.events import interaction_record

MOST_CARDS, MOST_EVENTS = 50, 100


class EmbedInput(serializers.Serializer[Any]):
    """``identity`` is the site's statement, ``visitor`` ours for somebody it does not know."""

    identity = serializers.CharField(max_length=400, required=False, allow_blank=True)
    visitor = serializers.CharField(max_length=200, required=False, allow_blank=True)
    limit = serializers.IntegerField(min_value=1, max_value=MOST_CARDS, required=False)
    events = serializers.ListField(
        child=serializers.DictField(), required=False, max_length=MOST_EVENTS
    )


class EmbedSerializer(serializers.Serializer[Any]):
    visitor = serializers.CharField()
    items = CardSerializer(many=True)


class EmbedView(APIView):
    """Base: answers pages of the listed origins alone."""

    permission_classes = [AllowAny]
    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        origin = request.headers.get("Origin", "")
        if origin not in settings.EMBED_ORIGINS:
            raise NotAllowed("This site is not listed in TREFOIL_EMBED_ORIGINS.")

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        origin = request.headers.get("Origin", "")
        response["Vary"] = "Origin"
        if origin in settings.EMBED_ORIGINS:
            response["Access-Control-Allow-Origin"] = origin
            response["Access-Control-Allow-Methods"] = "GET, POST"
            response["Access-Control-Allow-Headers"] = "Content-Type"
            response["Access-Control-Max-Age"] = "600"
            response["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    def given(self, data: Any) -> dict[str, Any]:
        body = EmbedInput(data=data)
        body.is_valid(raise_exception=True)
        return {"identity": "", "visitor": "", "limit": 6, "events": []} | body.validated_data


class EmbedRecommendationsView(EmbedView):
    """The first cards of the reader's page."""

    serializer_class = EmbedSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("identity"),
            OpenApiParameter("visitor"),
            OpenApiParameter("limit", int),
        ]
    )
    def get(self, request: Request) -> Response:
        given = self.given(request.query_params.dict())
        key, visitor = visitor_read(given["visitor"])
        reader = reader_known(identity=given["identity"], key=key)
        cards = [card for row in page.page_of(reader)["sections"] for card in row["items"]]
        shown = cards[: given["limit"]]
        for card in shown:
            card["url"] = request.build_absolute_uri(card["url"])
        return Response({"visitor": visitor, "items": shown})


class EmbedEventsView(EmbedView):
    """Store what the reader did on the site."""

    serializer_class = BatchResultSerializer

    @extend_schema(request=EmbedInput)
    def post(self, request: Request) -> Response:
        given = self.given(request.data)
        key, _ = visitor_read(given["visitor"])
        if not given["events"]:
            raise InvalidInput("There are no events.", code="invalid_event")
        reader = reader_made(identity=given["identity"], key=key)
        stored = repeated = paused = 0
        refused = []
        for index, row in enumerate(given["events"]):
            try:
                event = checked_event(row)
                event.pop("reader", None)
                recorded = interaction_record(reader=reader, source="embed", **event)
            except Problem as problem:
                refused.append({"index": index, **problem.detail()})
            else:
                stored += recorded.created
                paused += recorded.paused
                repeated += not (recorded.created or recorded.paused)
        return Response(
            {"stored": stored, "repeated": repeated, "paused": paused, "refused": refused}
        )


urlpatterns = [
    path(
        "embed/recommendations/",
        EmbedRecommendationsView.as_view(),
        name="api-recommend-embed-recommendations",
    ),
    path("embed/events/", EmbedEventsView.as_view(), name="api-recommend-embed-events"),
]
