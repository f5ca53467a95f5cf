"""The tape, and one article with its story."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.core.errors import InvalidInput, NotFound
from apps.market.models import Article, Mention, Score
from apps.market.text_index import candidates

PAGE = 40
UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class TapeFilter:
    """What the tape shows; empty values show everything.

    ``company`` is a ticker or a name, ``source`` part of a name; ``watched_by`` is the person whose
    watchlist it is to be about; ``least_risk`` is that of any company in an article.
    """

    company: str = ""
    sentiment: str = ""
    topic: str = ""
    text: str = ""
    source: str = ""
    sector: str = ""
    watched_by: int | None = None
    least_risk: float = 0.0
    least_novelty: float = 0.0

    @property
    def is_set(self) -> bool:
        return self != TapeFilter()

    @property
    def about_companies(self) -> bool:
        """Whether the scores of companies decide, not those of articles as wholes."""
        return bool(self.company or self.sector or self.watched_by)


def with_story(articles: QuerySet[Article]) -> QuerySet[Any]:
    """Articles with ``similar``, the number of their repeats, and ``amended``, how the story was
    corrected since; empty where it was not."""
    similar = (
        Article.objects.filter(story=OuterRef("pk"), correction="")
        .order_by()
        .values("story")
        .annotate(number=Count("id"))
        .values("number")
    )
    amended = (
        Article.objects.filter(story=OuterRef("pk"))
        .exclude(correction="")
        .order_by("-published_at", "-id")
        .values("correction")[:1]
    )
    return articles.annotate(
        similar=Coalesce(Subquery(similar), 0), amended=Coalesce(Subquery(amended), Value(""))
    )


def _with_scores(articles: QuerySet[Article]) -> QuerySet[Article]:
    scores = Score.objects.select_related("company").order_by("id")
    found = articles.select_related("source").prefetch_related(Prefetch("scores", queryset=scores))
    return with_story(found)


def tape_list(
    *, wanted: TapeFilter, before: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[Article]:
    """Scored stories and corrections, newest first, with scores, ``similar`` (their repeats),
    ``amended`` (how the story was corrected since) and ``named_in_title`` (the mentions in the
    headline).

    ``before`` is the time and id of the last article of the page before.
    """
    rows = Article.objects.filter(Q(story=None) | ~Q(correction=""), status=Article.Status.SCORED)
    if before is not None:
        moment, last_id = before
        rows = rows.filter(Q(published_at__lt=moment) | Q(published_at=moment, id__lt=last_id))
    if wanted.text:
        rows = holding(rows, wanted.text)
    if wanted.source:
        rows = rows.filter(source__name__icontains=wanted.source)
    if wanted.least_novelty:
        rows = rows.filter(novelty__gte=wanted.least_novelty)
    if wanted.least_risk:
        risky = Score.objects.filter(article=OuterRef("pk"), risk__gte=wanted.least_risk)
        rows = rows.filter(Exists(risky))
    if wanted.about_companies or wanted.sentiment or wanted.topic:
        rows = rows.filter(Exists(_wanted_scores(wanted)))
    titles = Mention.objects.filter(field=Mention.Field.TITLE).select_related("company")
    named = Prefetch("mentions", queryset=titles, to_attr="named_in_title")
    shown = _with_scores(rows).prefetch_related(named).order_by("-published_at", "-id")
    return list(shown[:limit])


def holding(articles: QuerySet[Article], text: str) -> QuerySet[Article]:
    """Those of ``articles`` whose title or body holds ``text``, in any case."""
    known = candidates(text)
    if known is not None:
        articles = articles.filter(id__in=known)
    return articles.filter(Q(title__icontains=text) | Q(body__icontains=text))


def _wanted_scores(wanted: TapeFilter) -> QuerySet[Score]:
    """With a company its own score decides, otherwise that of the article as a whole."""
    scores = Score.objects.filter(article=OuterRef("pk"))
    if wanted.company:
        scores = scores.filter(
            Q(company__ticker__iexact=wanted.company) | Q(company__name__icontains=wanted.company)
        )
    if wanted.sector:
        scores = scores.filter(company__sector=wanted.sector)
    if wanted.watched_by:
        scores = scores.filter(company__watchers__owner=wanted.watched_by)
    if not wanted.about_companies:
        scores = scores.filter(company=None)
    if wanted.sentiment == UNSURE:
        scores = scores.filter(confident=False)
    elif wanted.sentiment:
        scores = scores.filter(label=wanted.sentiment, confident=True)
    return scores.filter(topic_is(wanted.topic)) if wanted.topic else scores


def topic_is(topic: str) -> Q:
    """Scores one of whose topics this is."""
    # Topics are listed as JSON: in quotes the name of one is not part of that of another.
    return Q(topic=topic) | Q(events__icontains=json.dumps(topic))


def read_cursor(value: str) -> tuple[datetime, int] | None:
    """The cursor ``<ISO time>~<id>`` of :func:`tape_list`; raises ``InvalidInput``."""
    if not value:
        return None
    moment, _, last_id = value.partition("~")
    try:
        parsed = datetime.fromisoformat(moment)
        return (parsed if parsed.tzinfo else timezone.make_aware(parsed)), int(last_id)
    except (ValueError, OverflowError) as error:
        raise InvalidInput("The page mark is not usable.", code="cursor_invalid") from error


def article_get(*, article_id: int) -> Article:
    """An article with its scores, mentions and source; raises ``NotFound``."""
    rows = _with_scores(Article.objects.filter(id=article_id)).prefetch_related("mentions__company")
    article = rows.select_related("source", "story").first()
    if article is None:
        raise NotFound("There is no such article.")
    return article


def story_list(*, article: Article) -> list[Article]:
    """The other articles of an article's story, oldest first (at most 50)."""
    story = article.story_key
    rows = Article.objects.filter(Q(id=story) | Q(story=story)).exclude(id=article.pk)
    return list(rows.select_related("source").order_by("published_at", "id")[:50])
