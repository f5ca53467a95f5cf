"""Tables of what analysts decided about unsure scores and wrong links."""

from __future__ import annotations

from django.conf import settings
from django.db import models


def subject_of(article_id: int, what: str, company_id: int | None) -> str:
    """The name of a verdict, under which corrections and skips of it are stored."""
    company = f".company.{company_id}" if company_id else ""
    return f"market.article.{article_id}.{what}{company}"


class ReviewSkip(models.Model):
    """An unsure verdict that an analyst could not decide either; it is not asked about again."""

    subject = models.CharField(max_length=120, unique=True)
    skipped_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    skipped_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.subject


class LinkCorrection(models.Model):
    """An article that is not about ``company``, but about ``meant`` (``None``: about no company).

    It holds for every later scoring of the article.
    """

    article = models.ForeignKey(
        "market.Article", on_delete=models.CASCADE, related_name="link_corrections"
    )
    company = models.ForeignKey(
        "market.Company", on_delete=models.CASCADE, related_name="link_corrections"
    )
    meant = models.ForeignKey(
        "market.Company", on_delete=models.CASCADE, null=True, blank=True, related_name="meant_in"
    )
    corrected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True
    )
    corrected_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["article", "company"], name="market_link_once")
        ]

    def __str__(self) -> str:
        return f"{self.company_id} in {self.article_id}"
