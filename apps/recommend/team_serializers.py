"""The bodies of what the team keeps under ``/api/v1/recommend/``."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class WeightsSerializer(serializers.Serializer[Any]):
    weights = serializers.DictField(child=serializers.FloatField())
    defaults = serializers.DictField(child=serializers.FloatField())


class WeightsInput(serializers.Serializer[Any]):
    weights = serializers.DictField(
        child=serializers.FloatField(allow_null=True), allow_empty=False
    )
