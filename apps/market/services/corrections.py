"""What analysts say an article's sentiment and topic are: labelled examples for the models.

An example's text is one that the model is served: the headline, or for one company of several
the passage marked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from apps.core.errors import Conflict, InvalidInput, NotFound
from apps.market.models import Article, Mention, Score, Sentiment
from apps.market.review_models import subject_of
from apps.market.selectors import tape
from apps.market.targeting import Named, contexts
from apps.market.text import READ_CHARACTERS
from apps.market.topics import TOPICS
from apps.modelhub.models import LabelledExample
from apps.modelhub.services import example_add, example_find, example_undo
from ml.data.targeting import TARGETED_TASK

SENTIMENT, TOPIC = "sentiment", "topic"
LABELS: dict[str, tuple[str, ...]] = {SENTIMENT: tuple(Sentiment.values), TOPIC: TOPICS}


@dataclass(frozen=True, slots=True)
class Correctable:
    """One thing that an analyst may correct, and what this analyst said of it, if anything.

    ``company`` is set where the sentiment is that in one company of several.
    """

    what: str
    task: str
    text: str
    score: Score
    given: LabelledExample | None

    @property
    def label(self) -> str:
        """What the model said."""
        return self.score.topic if self.what == TOPIC else self.score.label

    @property
    def labels(self) -> tuple[str, ...]:
        return LABELS[self.what]

    @property
    def confidence(self) -> float:
        return self.score.topic_confidence if self.what == TOPIC else self.score.confidence


def correctable_list(*, article: Article, analyst: Any) -> list[Correctable]:
    """What of an article an analyst may correct: nothing before it is scored.

    ``article`` as :func:`apps.market.selectors.tape.article_get` returns it.
    """
    scores = {score.company_id: score for score in article.scores.all()}
    whole = scores.get(None)
    if whole is None:
        return []
    found = [(what, what, article.title, whole) for what in (SENTIMENT, TOPIC)]
    found += [
        (SENTIMENT, TARGETED_TASK, text, scores[company])
        for company, text in _contexts(article).items()
        if text and company in scores
    ]
    return [
        Correctable(what, task, text, score, _given(article, what, task, score, analyst))
        for what, task, text, score in found
    ]


def score_correct(
    *, article_id: int, analyst: Any, what: str, label: str, company_id: int | None = None
) -> Correctable:
    """Say what the sentiment (or topic) of an article, or the sentiment in a company, is.

    Replaces what this analyst said of it before. Raises ``NotFound``, ``Conflict`` (not scored
    yet, or the company has the article's own sentiment) or ``InvalidInput``.
    """
    article, found = _find(article_id, what, company_id, analyst)
    if label not in found.labels:
        raise InvalidInput(
            "%(label)r is not a %(what)s; there are: %(labels)s.",
            code="label_invalid",
            fields={"label": "unknown"},
            label=label[:60],
            what=what,
            labels=", ".join(found.labels),
        )
    versions = found.score.versions
    example = example_add(
        app=LabelledExample.App.MARKET,
        task=found.task,
        text=found.text,
        old_label=found.label,
        new_label=label,
        confidence=found.confidence,
        model_version=versions.get(found.task, ""),
        actor=analyst,
        subject=_subject(article, what, found.score),
        provenance={
            "article": article.pk,
            "revision": article.revision,
            "source": article.source.name,
            **({"company": found.score.company_id} if found.score.company_id else {}),
        },
    )
    return Correctable(found.what, found.task, found.text, found.score, example)


def score_correction_undo(
    *, article_id: int, analyst: Any, what: str, company_id: int | None = None
) -> Correctable:
    """Take back what this analyst said; raises ``NotFound`` if that is nothing."""
    article, found = _find(article_id, what, company_id, analyst)
    example_undo(task=found.task, subject=_subject(article, what, found.score), actor=analyst)
    return Correctable(found.what, found.task, found.text, found.score, None)


def explained_text(*, article: Article, what: str, company_id: int | None) -> tuple[str, str]:
    """The task and the text by which a verdict of an article is explained.

    For one company of several its marked passage; else the headline or the sentence that says the
    verdict most. Raises ``InvalidInput``, ``Conflict`` (not scored yet) and ``NotFound``.
    """
    if what not in LABELS:
        raise InvalidInput(
            "Ask about the %(labels)s.", fields={"what": "unknown"}, labels=" or the ".join(LABELS)
        )
    scores = {score.company_id: score for score in article.scores.all()}
    if None not in scores:
        raise Conflict("The article is not scored yet.", code="article_not_scored")
    if company_id is not None and company_id not in scores:
        raise NotFound("The article has no such score.")
    marked = _contexts(article).get(company_id or 0, "")
    if what == SENTIMENT and marked:
        return TARGETED_TASK, marked
    whole = scores[None]
    if what == TOPIC:
        says = [(share if topic == whole.topic else 0.0) for *_, topic, share in whole.passages]
    else:
        place = {"negative": 3, "neutral": 4, "positive": 5}[whole.label]
        says = [passage[place] for passage in whole.passages]
    if not says:
        return what, article.title
    field, start, end, *_ = whole.passages[says.index(max(says))]
    return what, getattr(article, field)[start:end]


def _find(
    article_id: int, what: str, company_id: int | None, analyst: Any
) -> tuple[Article, Correctable]:
    if what not in LABELS:
        raise InvalidInput(
            "Correct the %(labels)s.", fields={"what": "unknown"}, labels=" or the ".join(LABELS)
        )
    article = tape.article_get(article_id=article_id)
    there = correctable_list(article=article, analyst=analyst)
    if not there:
        raise Conflict("The article is not scored yet.", code="article_not_scored")
    for one in there:
        if (one.what, one.score.company_id) == (what, company_id):
            return article, one
    if any(score.company_id == company_id for score in article.scores.all()):
        raise Conflict(
            "The article names this company alone; correct the article's sentiment.",
            code="company_alone",
        )
    raise NotFound("The article has no such score.")


def _contexts(article: Article) -> dict[int, str]:
    named: dict[str, list[Named]] = {field: [] for field in Mention.Field.values}
    for mention in article.mentions.all():
        named[mention.field].append(Named(mention.company_id, mention.start, mention.end))
    body = article.body[:READ_CHARACTERS]
    return contexts(article.title, named[Mention.Field.TITLE], body, named[Mention.Field.BODY])


def _given(
    article: Article, what: str, task: str, score: Score, analyst: Any
) -> LabelledExample | None:
    return example_find(task=task, subject=_subject(article, what, score), actor=analyst)


def _subject(article: Article, what: str, score: Score) -> str:
    return subject_of(article.pk, what, score.company_id)
