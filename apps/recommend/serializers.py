"""The bodies of ``/api/v1/recommend/``, for checking them and for the API's description."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.core.errors import InvalidInput
from apps.recommend.models import Interaction, Item, Kind, Preference

MAX_ITEMS, MAX_INTERACTIONS = 500, 1000


class ItemSerializer(serializers.ModelSerializer[Item]):
    """An item as it is stored."""

    item_id = serializers.CharField(source="external_id")
    published_at = serializers.CharField(source="published")

    class Meta:
        model = Item
        fields = [
            "item_id",
            "title",
            "text",
            "tags",
            "authors",
            "published_at",
            "available",
            "image_url",
            "price",
            "currency",
            "language",
            "expires_at",
            "attributes",
        ]
        read_only_fields = fields


class ItemInput(serializers.Serializer[Any]):
    """An item to add or change; the limits of its fields are those of an import file."""

    item_id = serializers.CharField(required=False)
    title = serializers.CharField()
    text = serializers.CharField(required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(), required=False)
    authors = serializers.ListField(child=serializers.CharField(), required=False)
    published_at = serializers.CharField(required=False, allow_blank=True)
    available = serializers.BooleanField(required=False)
    image_url = serializers.CharField(required=False, allow_blank=True)
    price = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    currency = serializers.CharField(required=False, allow_blank=True)
    language = serializers.CharField(required=False, allow_blank=True)
    expires_at = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    attributes = serializers.DictField(required=False)


class ItemBatchInput(serializers.Serializer[Any]):
    """Items to add or change, and the ids of those to delete."""

    items = ItemInput(many=True, required=False)
    delete = serializers.ListField(child=serializers.CharField(max_length=120), required=False)


class UpsertSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    deleted = serializers.IntegerField()


class UploadInput(serializers.Serializer[Any]):
    file = serializers.FileField()
    kind = serializers.ChoiceField(choices=["items", "interactions"], default="items")
    skip_bad = serializers.BooleanField(default=False)


class InteractionSerializer(serializers.ModelSerializer[Interaction]):
    item_id = serializers.CharField(source="item.external_id")

    class Meta:
        model = Interaction
        fields = ["event_id", "item_id", "kind", "value", "at", "source"]
        read_only_fields = fields


class InteractionInput(serializers.Serializer[Any]):
    """What a reader did. ``reader`` (administrators only) is the caller when left out."""

    event_id = serializers.CharField(max_length=80)
    item_id = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    value = serializers.FloatField(required=False, allow_null=True)
    at = serializers.CharField(required=False)
    reader = serializers.CharField(max_length=120, required=False)
    subject = serializers.ChoiceField(choices=["item", "topic", "author"], required=False)
    name = serializers.CharField(max_length=200, required=False)


def checked_event(row: Any) -> dict[str, Any]:
    """An event of a batch, checked; raises ``InvalidInput`` naming its first bad field."""
    checked = InteractionInput(data=row)
    if not checked.is_valid():
        field, problems = next(iter(checked.errors.items()))
        raise InvalidInput(f"{field}: {problems[0]}", code="invalid_event")
    return dict(checked.validated_data)


class InteractionBatchInput(serializers.Serializer[Any]):
    interactions = serializers.ListField(
        child=serializers.DictField(), allow_empty=False, max_length=MAX_INTERACTIONS
    )


class BatchResultSerializer(serializers.Serializer[Any]):
    stored = serializers.IntegerField()
    repeated = serializers.IntegerField()
    paused = serializers.IntegerField(help_text="not stored: the reader has paused learning")
    refused = serializers.ListField(child=serializers.DictField())


class CardSerializer(serializers.Serializer[Any]):
    """An item as it is shown, with the reason why."""

    id = serializers.CharField()
    url = serializers.CharField()
    title = serializers.CharField()
    authors = serializers.ListField(child=serializers.CharField())
    year = serializers.IntegerField(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    blurb = serializers.CharField()
    saved = serializers.BooleanField()
    liked = serializers.BooleanField()
    reason = serializers.CharField()


class SectionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    items = CardSerializer(many=True)


class RecommendationsSerializer(serializers.Serializer[Any]):
    cold = serializers.BooleanField()
    sections = SectionSerializer(many=True)


class CardListSerializer(serializers.Serializer[Any]):
    items = CardSerializer(many=True)


class PreferenceSerializer(serializers.ModelSerializer[Preference]):
    class Meta:
        model = Preference
        fields = ["subject", "value", "stance", "weight"]
        read_only_fields = fields


class PreferenceInput(serializers.Serializer[Any]):
    subject = serializers.ChoiceField(choices=Preference.Subject.choices)
    value = serializers.CharField(max_length=200)
    stance = serializers.ChoiceField(choices=Preference.Stance.choices, allow_null=True)
    weight = serializers.IntegerField(required=False, min_value=1, max_value=Preference.MOST)


class ProfileInput(serializers.Serializer[Any]):
    """The wish (empty clears it), the dial from -1 (surprising) to 1 (familiar), whether learning
    is paused, and preferences to set or, with ``stance`` null, to withdraw."""

    wish = serializers.CharField(required=False, allow_blank=True)
    familiarity = serializers.FloatField(required=False, min_value=-1.0, max_value=1.0)
    paused = serializers.BooleanField(required=False)
    preferences = PreferenceInput(many=True, required=False)


class ProfileSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    simulated = serializers.BooleanField()
    wish = serializers.CharField()
    familiarity = serializers.FloatField()
    paused = serializers.BooleanField()
    preferences = PreferenceSerializer(many=True)


class ProofSerializer(serializers.Serializer[Any]):
    """What a look everywhere found; ``tables`` maps each table that was read to its traces."""

    at = serializers.DateTimeField()
    clean = serializers.BooleanField()
    rows = serializers.IntegerField()
    events = serializers.IntegerField()
    cached = serializers.IntegerField()
    files = serializers.ListField(child=serializers.CharField())
    fitted = serializers.IntegerField()
    tables = serializers.DictField(child=serializers.IntegerField())


class ReceiptSerializer(serializers.Serializer[Any]):
    receipt = serializers.CharField()
    at = serializers.DateTimeField()
    subject = serializers.CharField()
    deleted = serializers.DictField(child=serializers.IntegerField())
    left = serializers.ListField(child=serializers.CharField())
    check = serializers.CharField()
    proof = ProofSerializer()


class CheckInput(serializers.Serializer[Any]):
    check = serializers.CharField(max_length=4000)
