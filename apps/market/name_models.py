"""Tables of what companies are called, and when, and of what analysts decided of it."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.market.company_models import Company


class DatedName(models.Model):
    """A name that means a company from ``valid_from`` to ``valid_to``, both inclusive.

    Without one of them it always did, or still does. A name of a company that is dated means it at
    no other time, whatever else the company has it as; one that is not dated always means it. A
    ``NAME`` that is over goes on as a former name.
    """

    class Kind(models.TextChoices):
        NAME = "name", _("Name")
        TICKER = "ticker", _("Ticker")
        ALIAS = "alias", _("Alias")
        FORMER = "former name", _("Former name")
        BRAND = "brand", _("Brand")

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="dated_names")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    name = models.CharField(max_length=200)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["company", F("valid_from").asc(nulls_first=True), "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="market_name_dates",
            ),
            models.CheckConstraint(
                condition=~Q(valid_from=None, valid_to=None), name="market_name_is_dated"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}) of {self.company_id}"

    def holds(self, day: date) -> bool:
        """Whether it means the company on that day."""
        return (self.valid_from is None or self.valid_from <= day) and not self.is_over(day)

    def is_over(self, day: date) -> bool:
        return self.valid_to is not None and day > self.valid_to


NAME_FIELDS: dict[str, str] = {
    DatedName.Kind.ALIAS: "aliases",
    DatedName.Kind.FORMER: "former_names",
    DatedName.Kind.BRAND: "brands",
}
"""Where a company has its names of each kind that is not dated."""


class NameDecision(models.Model):
    """That an analyst added a name to a company (``kept``) or took it away; imports keep to it."""

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="name_decisions")
    kind = models.CharField(max_length=12, choices=DatedName.Kind.choices)
    name = models.CharField(max_length=200)
    kept = models.BooleanField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    decided_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "kind", "name"], name="market_name_decided")
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}) of {self.company_id}: {self.kept}"
