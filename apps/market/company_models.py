"""Tables of companies: the registry, names that it does not know, who watches which."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Company(models.Model):
    """A listed company. Of companies that share a name the lowest ``rank`` is meant.

    ``brands`` are products and subsidiaries: news that names one of them is news about the company.
    ``delisted_on`` is the last day on which it was listed: news of later days is not about it.
    What it was called when, is in ``DatedName``. ``rank`` is 0 for a company that this installation
    added, 1 for one of the shipped registry.
    """

    OWN, SHIPPED = 0, 1

    ticker = models.CharField(max_length=16)
    exchange = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=200)
    aliases = models.JSONField(default=list, blank=True)
    former_names = models.JSONField(default=list, blank=True)
    brands = models.JSONField(default=list, blank=True)
    sector = models.CharField(max_length=60, blank=True)
    country = models.CharField(max_length=60, blank=True)
    rank = models.PositiveSmallIntegerField(default=OWN)
    active = models.BooleanField(default=True)
    delisted_on = models.DateField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True, db_index=True)

    class Meta:
        verbose_name_plural = "companies"
        ordering = ["rank", "id"]
        constraints = [
            models.UniqueConstraint(fields=["ticker", "exchange"], name="market_company_listing")
        ]
        indexes = [models.Index(fields=["name"])]

    def __str__(self) -> str:
        return f"{self.name} ({self.ticker})"


class UnlinkedName(models.Model):
    """A name that the tagger takes for an organisation's and that means no company of the registry.

    ``key`` is the name as it is compared, ``seen`` the number of articles that had it while it
    waited. An analyst merges it with a company, whose alias it becomes, or dismisses it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        MERGED = "merged", _("Merged")
        DISMISSED = "dismissed", _("Not a company")

    key = models.CharField(max_length=200, unique=True)
    name = models.CharField(max_length=200)
    seen = models.PositiveIntegerField(default=0)
    example = models.ForeignKey("market.Article", on_delete=models.SET_NULL, null=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    company = models.ForeignKey(Company, on_delete=models.SET_NULL, null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["state", "-seen", "id"])]

    def __str__(self) -> str:
        return self.name


class WatchedCompany(models.Model):
    """A company on somebody's watchlist."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="watched_companies"
    )
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="watchers")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "watched companies"
        constraints = [
            models.UniqueConstraint(fields=["owner", "company"], name="market_watched_once")
        ]

    def __str__(self) -> str:
        return f"{self.owner_id} watches {self.company_id}"
