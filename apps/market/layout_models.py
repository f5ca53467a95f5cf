"""Tables of how a person likes the monitor."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class Layout(models.Model):
    """A screen as its owner saved it: the page with its filters, and how it looks.

    ``view`` holds the names and values of :data:`apps.market.services.layouts.VIEW`.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="market_layouts"
    )
    name = models.CharField(max_length=60)
    path = models.CharField(max_length=500)
    view = models.JSONField(default=dict)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="market_layout_once")]

    def __str__(self) -> str:
        return self.name
