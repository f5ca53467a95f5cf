"""``/api/v1/recommend/``, lists: what suits a reader, what is like an item, what a reader keeps."""

from __future__ import annotations

from typing import Any

from django.urls import path
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidInput
from apps.recommend import selectors
from apps.recommend.api import READER, ReaderView
from apps.recommend.item_page import also_cards, similar_cards
from apps.recommend.models import Kind
from apps.recommend.payloads import history_payload, item_card
from apps.recommend.ranked_list import MOST, ranked_list
from apps.recommend.serializers import MAX_ITEMS, CardListSerializer, CardSerializer
from apps.recommend.services.events import item_forget

USUAL = 20


class FeedInput(serializers.Serializer[Any]):
    """``tag`` and ``author`` keep to what has them; ``exclude`` may be given for each item that is
    to be left out."""

    limit = serializers.IntegerField(min_value=1, max_value=MOST, default=USUAL)
    tag = serializers.CharField(max_length=80, default="")
    author = serializers.CharField(max_length=200, default="")
    exclude = serializers.ListField(
        child=serializers.CharField(max_length=120), max_length=MAX_ITEMS, default=list
    )


class RankedSerializer(CardSerializer):
    """A card with its score, which is comparable within one list alone."""

    score = serializers.FloatField()


class FeedSerializer(serializers.Serializer[Any]):
    items = RankedSerializer(many=True)


class HistorySerializer(CardSerializer):
    """An item of the history; ``deeds`` are ``kinds`` in words. ``gone``: it is shown no more;
    ``counts`` is false for what was saved while learning was paused."""

    kinds = serializers.ListField(child=serializers.CharField())
    deeds = serializers.ListField(child=serializers.CharField())
    at = serializers.DateTimeField()
    gone = serializers.BooleanField()
    counts = serializers.BooleanField()


class HistoryListSerializer(serializers.Serializer[Any]):
    items = HistorySerializer(many=True)


class RemovedSerializer(serializers.Serializer[Any]):
    removed = serializers.IntegerField()


class FeedView(ReaderView):
    """What suits the reader best as one list, the best first."""

    serializer_class = FeedSerializer

    @extend_schema(parameters=[FeedInput, READER])
    def get(self, request: Request) -> Response:
        asked = FeedInput(data=request.query_params)
        asked.is_valid(raise_exception=True)
        given = dict(asked.validated_data)
        reader = self.reader(request, "view_reader")
        return Response({"items": ranked_list(reader, count=given.pop("limit"), **given)})


class SimilarView(ReaderView):
    """Items whose text is nearest to that of one item."""

    serializer_class = CardListSerializer

    def get(self, request: Request, item_id: str) -> Response:
        item = selectors.item_get(external_id=item_id)
        return Response({"items": similar_cards(self.visitor.reader, item)})


class AlsoView(ReaderView):
    """What readers of one item liked too; the reason says how many of them."""

    serializer_class = CardListSerializer

    def get(self, request: Request, item_id: str) -> Response:
        item = selectors.item_get(external_id=item_id)
        return Response({"items": also_cards(self.visitor.reader, item)})


class SavedView(ReaderView):
    """What the reader saved, the latest first."""

    serializer_class = CardListSerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request) -> Response:
        reader = self.reader(request, "view_reader")
        saved = selectors.saved_list(reader=reader) if reader else []
        kept = selectors.kept_kinds(reader, [item.pk for item in saved])
        cards = [item_card(item, kept=kept.get(item.pk)) for item in saved]
        return Response({"items": cards})


class HistoryView(ReaderView):
    """The items that the reader did something to, the latest first (100 at most)."""

    serializer_class = HistoryListSerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request) -> Response:
        reader = self.reader(request, "view_reader")
        entries = selectors.history_list(reader=reader) if reader else []
        return Response({"items": [history_payload(entry) for entry in entries]})


class HistoryItemView(ReaderView):
    """Take an item, or what of one ``kind`` was done to it, out of the caller's history."""

    serializer_class = RemovedSerializer

    @extend_schema(
        parameters=[OpenApiParameter("kind", enum=Kind.values)],
        responses={200: RemovedSerializer},
    )
    def delete(self, request: Request, item_id: str) -> Response:
        kind = request.query_params.get("kind") or None
        if kind and kind not in Kind.values:
            raise InvalidInput(
                "kind is one of %(values)s.", code="invalid_event", values=", ".join(Kind.values)
            )
        reader = self.visitor.reader
        removed = item_forget(reader=reader, item_id=item_id, kind=kind) if reader else 0
        return Response({"removed": removed})


urlpatterns = [
    path("feed/", FeedView.as_view(), name="api-recommend-feed"),
    path("saved/", SavedView.as_view(), name="api-recommend-saved"),
    path("history/", HistoryView.as_view(), name="api-recommend-history"),
    path("history/<path:item_id>/", HistoryItemView.as_view(), name="api-recommend-history-item"),
    path("items/<path:item_id>/similar/", SimilarView.as_view(), name="api-recommend-similar"),
    path("items/<path:item_id>/also/", AlsoView.as_view(), name="api-recommend-also"),
]
