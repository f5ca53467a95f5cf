"""Stored news as another version of a model would have scored it. Stores nothing."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.market.analysis import events_about, passage_spans
from apps.market.models import Article, Mention, Score
from apps.market.payloads import split_scores
from apps.market.pooling import SENTIMENT_HEADLINE, TOPIC_HEADLINE, pool
from apps.market.targeting import Named, contexts
from apps.market.text import READ_CHARACTERS
from apps.market.topics import risk
from ml.data.targeting import TARGETED_TASK
from ml.types import Classification

Classify = Callable[[Sequence[str]], list[Classification]]
Report = Callable[[int], None]
TOPIC_TASK = "topic"
_CHUNK = 64


@dataclass(frozen=True, slots=True)
class Archive:
    """The scored news of a span, in the order in which it was published, with stored scores."""

    articles: list[Article]
    scores: dict[int, list[Score]]
    mentions: dict[int, list[Mention]]
    contexts: dict[int, dict[int, str]]

    @property
    def since(self) -> datetime:
        return self.articles[0].published_at

    @property
    def until(self) -> datetime:
        return self.articles[-1].published_at


def archive_read(*, days: int, most: int) -> Archive:
    """The news of the ``days`` up to the newest that is scored, of more than ``most`` articles the
    newest ones."""
    scored = Article.objects.filter(status=Article.Status.SCORED)
    newest = scored.order_by("-published_at", "-id")
    last = newest.first()
    if last is None:
        return Archive([], {}, {}, {})
    since = last.published_at - timedelta(days=days)
    articles = list(newest.filter(published_at__gte=since)[:most])[::-1]
    ids = [article.pk for article in articles]
    scores: dict[int, list[Score]] = {key: [] for key in ids}
    mentions: dict[int, list[Mention]] = {key: [] for key in ids}
    for at in range(0, len(ids), 500):
        some = ids[at : at + 500]
        for score in Score.objects.filter(article__in=some).order_by("id"):
            scores[score.article_id].append(score)
        for mention in Mention.objects.filter(article__in=some):
            mentions[mention.article_id].append(mention)
    found = {article.pk: _contexts(article, mentions[article.pk]) for article in articles}
    return Archive(articles, scores, mentions, found)


def _contexts(article: Article, mentions: Sequence[Mention]) -> dict[int, str]:
    """The marked text of each company of several; empty where the whole article is scored."""
    title, body = (
        [Named(one.company_id, one.start, one.end) for one in mentions if one.field == field]
        for field in Mention.Field
    )
    return contexts(article.title, title, article.body[:READ_CHARACTERS], body)


def rescored(
    archive: Archive, task: str, classify: Classify, report: Report
) -> dict[int, list[Score]]:
    """The scores of each article with what ``classify``, a version of ``task``, says instead.

    Of ``sentiment`` those of the whole and of an only company, of ``targeted_sentiment`` those of
    each company of several, of ``topic`` the events of all. What other models said stays.
    ``report`` is told how many articles are done, and may raise to stop.
    """
    found: dict[int, list[Score]] = {}
    for at in range(0, len(archive.articles), _CHUNK):
        some = archive.articles[at : at + _CHUNK]
        texts = [list(_texts(archive, article, task)) for article in some]
        said = iter(classify([text for of_article in texts for _, text in of_article]))
        for article, of_article in zip(some, texts, strict=True):
            answers = [(company, next(said)) for company, _ in of_article]
            found[article.pk] = (
                _with_topics(archive, article, [answer for _, answer in answers])
                if task == TOPIC_TASK
                else _with_sentiments(archive, article, answers)
            )
        report(len(found))
    return found


def _texts(archive: Archive, article: Article, task: str) -> Iterator[tuple[int | None, str]]:
    """What the task's model reads of an article: for each company of several, or its passages."""
    if task == TARGETED_TASK:
        marked = archive.contexts[article.pk].items()
        yield from ((company, text) for company, text in marked if text)
    else:
        for field, start, end in passage_spans(article):
            yield None, getattr(article, field)[start:end]


def _with_topics(archive: Archive, article: Article, said: Sequence[Classification]) -> list[Score]:
    """Copies of an article's scores with the topics that its passages have by ``said`` instead."""
    whole = pool(said[0], said[1:], weight=TOPIC_HEADLINE)
    passages = list(zip(passage_spans(article), said, strict=True))
    found = []
    for score in archive.scores[article.pk]:
        events = events_about(score.company_id, whole, passages, archive.mentions[article.pk])
        other = copy.copy(score)
        other.topic, other.topic_confidence = whole.label, whole.confidence
        other.events = [[event.label, event.score] for event in events]
        other.risk = risk(other.negative, other.topic)
        found.append(other)
    return found


def _with_sentiments(
    archive: Archive, article: Article, answers: Sequence[tuple[int | None, Classification]]
) -> list[Score]:
    parts: dict[int | None, list[Classification]] = defaultdict(list)
    for company, answer in answers:
        parts[company].append(answer)
    said = {
        company: pool(of[0], of[1:], weight=SENTIMENT_HEADLINE) for company, of in parts.items()
    }
    whole, targeted = split_scores(archive.scores[article.pk])
    marked = archive.contexts[article.pk]
    found = [_with(whole, said.get(None))] if whole is not None else []
    for score in targeted:
        of_whole = not marked.get(score.company_id or 0)
        found.append(_with(score, said.get(None if of_whole else score.company_id)))
    return found


def _with(score: Score, said: Classification | None) -> Score:
    """A copy of a score with the sentiment that is said instead; itself where none is."""
    if said is None:
        return score
    probability = {scored.label: scored.score for scored in said.scores}
    other = copy.copy(score)
    for label in ("negative", "neutral", "positive"):
        setattr(other, label, probability.get(label, 0.0))
    other.label = said.label
    other.risk = risk(other.negative, other.topic)
    return other
