"""How the API is described: names that no two apps share."""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import Direction
from rest_framework.serializers import Serializer


class SuiteSchema(AutoSchema):
    """Each shape is named after its app: ``MarketRule`` is not the ``SupportRule``."""

    def get_serializer_name(self, serializer: Serializer[Any], direction: Direction) -> str:
        name: str = super().get_serializer_name(serializer, direction)
        package, _, rest = type(serializer).__module__.partition(".")
        app = rest.partition(".")[0].title() if package == "apps" else ""
        return name if name.startswith(app) else f"{app}{name}"
