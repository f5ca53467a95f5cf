"""What every page's template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.core.simulation import simulation_get


def suite(request: HttpRequest) -> dict[str, Any]:
    if not settings.DEMO:
        return {"demo_mode": False}
    return {"demo_mode": True, "simulation": SimpleLazyObject(simulation_get)}
