"""How articles do: where they were cited, whether that helped, since when they are stale."""

from __future__ import annotations

from django.db import models


class ArticleHealth(models.Model):
    """What became of an article's present version in the last months; ``signs`` say why it is
    stale, as kinds of :mod:`apps.support.staleness`."""

    article = models.OneToOneField(
        "support.Article", on_delete=models.CASCADE, related_name="health"
    )
    cited = models.PositiveIntegerField(default=0)
    cited_at = models.DateTimeField(null=True, blank=True)
    helped = models.PositiveIntegerField(default=0)
    unhelped = models.PositiveIntegerField(default=0)
    corrected = models.PositiveIntegerField(default=0)
    signs = models.JSONField(default=list)
    stale_since = models.DateTimeField(null=True, blank=True, db_index=True)
    looked_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "article health"

    @property
    def ratings(self) -> int:
        return self.helped + self.unhelped

    def __str__(self) -> str:
        return f"{self.article_id}: {'stale' if self.stale_since else 'well'}"
