"""Tells the tape what was scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apps.core import events
from apps.market.models import Article, Mention, Score
from apps.market.payloads import TAPE, repeat_payload, tape_payload


def tape_tell(*, articles: Sequence[Article], scores: Mapping[int, Sequence[Score]]) -> None:
    """Publish each article to the tape, in the caller's transaction.

    A new story, a correction or a revision is a row of it; a repeat is counted at its story.
    """
    named = _named_in_titles(articles)
    for article in articles:
        _tell(article, scores[article.pk], named.get(article.pk, []))


def _named_in_titles(articles: Sequence[Article]) -> dict[int, list[tuple[int, int]]]:
    """Where the headline of each article names companies, in order."""
    rows = Mention.objects.filter(article__in=articles, field=Mention.Field.TITLE)
    spans: dict[int, list[tuple[int, int]]] = {}
    for article_id, start, end in rows.order_by("start").values_list("article_id", "start", "end"):
        spans.setdefault(article_id, []).append((start, end))
    return spans


def _tell(article: Article, scores: Sequence[Score], named: Sequence[tuple[int, int]]) -> None:
    if article.story_id is None or article.correction:
        row = tape_payload(article, scores, similar=_similar(article), named=named)
        events.publish(TAPE, "article.scored", row)
    else:
        similar = Article.objects.filter(story_id=article.story_id, correction="").count()
        events.publish(TAPE, "story.repeated", repeat_payload(article.story_id, similar))


def _similar(article: Article) -> int:
    if article.story_id is not None or article.revision == 1:
        return 0
    return Article.objects.filter(story_id=article.pk, correction="").count()
