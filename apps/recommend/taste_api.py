"""``/api/v1/recommend/``: beginning, reasons, interests and what a deed changed, for the reader."""

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
from apps.recommend.changes import change_payload, changed_by, taste_without
from apps.recommend.interests import interest_payload, interests_of
from apps.recommend.page import page_inputs, ranked_of
from apps.recommend.phrases import why_with_phrases
from apps.recommend.serializers import CardListSerializer, InteractionSerializer
from apps.recommend.services.events import MAX_EVENT_ID
from apps.recommend.services.starting import MOST, likes_start
from apps.recommend.starting import starting_cards
from apps.recommend.visitors import Visitor

MOST_INTERESTS = 40


class StartInput(serializers.Serializer[Any]):
    """Up to three items that a newcomer likes; the same ``event_id`` counts once."""

    event_id = serializers.CharField(max_length=MAX_EVENT_ID - 2)
    items = serializers.ListField(
        child=serializers.CharField(max_length=120), min_length=1, max_length=MOST
    )


class StartedSerializer(serializers.Serializer[Any]):
    interactions = InteractionSerializer(many=True)


class PhraseSerializer(serializers.Serializer[Any]):
    """``loss``: what the cosine with what the reason names loses without the phrase."""

    text = serializers.CharField()
    start = serializers.IntegerField()
    end = serializers.IntegerField()
    loss = serializers.FloatField()


class ReasonSerializer(serializers.Serializer[Any]):
    """A part of the score, ``share`` in percent of the largest, ``for`` or against the item."""

    words = serializers.CharField()
    share = serializers.IntegerField()
    phrases = PhraseSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "for": serializers.BooleanField()}


class WhySerializer(serializers.Serializer[Any]):
    reasons = ReasonSerializer(many=True)


class InterestSourceSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    deed = serializers.CharField()
    amount = serializers.FloatField()
    size = serializers.FloatField(help_text="the amount without its sign")


class InterestSerializer(serializers.Serializer[Any]):
    """A subject and what its weight is the sum of; ``more`` sources are not listed."""

    tag = serializers.CharField()
    weight = serializers.FloatField()
    asked = serializers.BooleanField()
    more = serializers.IntegerField()
    sources = InterestSourceSerializer(many=True)


class InterestListSerializer(serializers.Serializer[Any]):
    interests = InterestSerializer(many=True)


class ShiftSerializer(serializers.Serializer[Any]):
    tag = serializers.CharField()
    before = serializers.FloatField()
    after = serializers.FloatField()


class ChangeSerializer(serializers.Serializer[Any]):
    """Titles that left the page and that came, subjects that shifted, the same in words."""

    left = serializers.ListField(child=serializers.CharField())
    came = serializers.ListField(child=serializers.CharField())
    subjects = ShiftSerializer(many=True)
    words = serializers.CharField()


class StartersView(ReaderView):
    """Items to begin from, unlike each other; a newcomer says which of them they like."""

    serializer_class = CardListSerializer

    def get(self, request: Request) -> Response:
        return Response({"items": starting_cards(self.visitor.reader)})

    @extend_schema(request=StartInput, responses={200: StartedSerializer})
    def post(self, request: Request) -> Response:
        body = StartInput(data=request.data)
        body.is_valid(raise_exception=True)
        reader = self.visitor.made()
        recorded = likes_start(
            reader=reader,
            item_ids=body.validated_data["items"],
            event_id=body.validated_data["event_id"],
            source="api",
        )
        self.visitor = Visitor(reader.key, reader, self.visitor.user)
        stored = [one.interaction for one in recorded]
        return Response({"interactions": InteractionSerializer(stored, many=True).data})


class WhyView(ReaderView):
    """Why an item fits the reader, with the phrases of its text that bear each reason out."""

    serializer_class = WhySerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request, item_id: str) -> Response:
        reader = self.reader(request, "view_reader")
        item = selectors.item_get(external_id=item_id)
        return Response({"reasons": why_with_phrases(page_inputs(reader), item)})


class InterestsView(ReaderView):
    """The subjects that the reader's page goes by, each with the deeds that give it."""

    serializer_class = InterestListSerializer

    @extend_schema(parameters=[READER])
    def get(self, request: Request) -> Response:
        ranked = ranked_of(page_inputs(self.reader(request, "view_reader")))
        found = interests_of(ranked, MOST_INTERESTS)
        return Response({"interests": [interest_payload(interest, ranked) for interest in found]})


class ChangesView(ReaderView):
    """What the reader's page has lost and won by what was done to one item, or by muting a tag or
    an author (``muted``)."""

    serializer_class = ChangeSerializer

    @extend_schema(parameters=[OpenApiParameter("item"), OpenApiParameter("muted"), READER])
    def get(self, request: Request) -> Response:
        item_id, muted = (request.query_params.get(name, "") for name in ("item", "muted"))
        if bool(item_id) == bool(muted):
            raise InvalidInput('Name an "item" or what was "muted".')
        reader = self.reader(request, "view_reader")
        # Before the catalogue is read, which then has it.
        item = selectors.item_get(external_id=item_id) if item_id else None
        inputs = page_inputs(reader)
        position = inputs.snapshot.positions[item.pk] if item else None
        without = taste_without(inputs.taste, position=position, name=muted)
        change = changed_by(inputs, without, position=position)
        return Response(change_payload(change, inputs))


urlpatterns = [
    path("starters/", StartersView.as_view(), name="api-recommend-starters"),
    path("changes/", ChangesView.as_view(), name="api-recommend-changes"),
    path("profile/interests/", InterestsView.as_view(), name="api-recommend-interests"),
    path("items/<path:item_id>/why/", WhyView.as_view(), name="api-recommend-why"),
]
