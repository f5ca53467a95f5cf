"""Table of what stories mean, as the sentence encoder puts it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.market.news_models import Article


class Meaning(models.Model):
    """The vectors of an article's passages (see :mod:`apps.market.meaning`).

    It waits to be read while ``version``, that of the encoder, is empty. A repeat has no vectors of
    its own: ``of`` is the article whose meaning it has. ``live`` repeats the article's.
    """

    article = models.OneToOneField(
        Article, on_delete=models.CASCADE, primary_key=True, related_name="meaning"
    )
    of = models.ForeignKey(Article, on_delete=models.CASCADE, null=True, related_name="+")
    live = models.BooleanField()
    at = models.DateTimeField(db_index=True)
    version = models.CharField(max_length=60, blank=True)
    spans = models.JSONField(default=list)
    vectors = models.BinaryField(default=bytes)

    class Meta:
        indexes = [
            models.Index(
                fields=["-live", "article"],
                condition=Q(version=""),
                name="market_meaning_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.article_id} by {self.version or 'nothing yet'}"
