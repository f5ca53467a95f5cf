"""What the bot says: a decision from what the models found. No database, no models in here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from apps.support.excerpts import excerpt, plain
from apps.support.small_talk import small_talk
from ml.retrieval.hybrid import Hit
from ml.retrieval.reranking import LEAST_SUPPORT, SUPPORT, rerank
from ml.types import Classification

Action = Literal["answer", "clarify", "chat", "unsure", "hand_over", "ask", "done", "cancelled"]
"""What the bot does; ``ask``, ``done`` and ``cancelled`` are steps of a flow."""

_UNSURE_LIMIT = 2
_PART_SHOWN = 120  # characters of a part of a message that is left unanswered
_PASSAGE_SHOWN = 240  # characters of a passage that the inspector shows

_PERSON = re.compile(
    r"\b(?:talk|speak|chat|connect|transfer|put)\b.{0,30}"
    r"\b(?:person|human|agent|someone|somebody|operator|representative|adviser|advisor|staff)\b"
    r"|\b(?:real|actual|live) (?:person|human|agent)\b|\bhuman please\b",
    re.IGNORECASE,
)

RULE_ABUSE = "the visitor was abusive more often than the policy allows"
RULE_PERSON = "the visitor asked for a person"
RULE_SURE = "the intent is sure"
TEXT_HAND_OVER = "I am passing you to a colleague now. They can read what you wrote here."
TEXT_UNSURE = (
    "I am not sure that I understood. Could you put it in other words? "
    "You can also talk to a person at any time."
)
TEXT_FOREIGN = "I can only read English well, so I am passing you to a colleague."
TEXT_LEFT = "About “{part}” I am not sure. Please ask it once more by itself, or talk to a person."
TEXT_CLARIFY = "I want to be sure that I help with the right thing. Which of these do you mean?"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the rules divide. Whether an intent is in scope and sure, its model decides.

    ``strong_hit``: hybrid score from which an article answers on its own, without a sure intent;
    ``weak_hit``: below it nothing in the knowledge base is near; ``close_second``: calibrated
    probability of the second intent from which on the bot asks which one is meant;
    ``intent_support``: what a certain intent adds to the score of an article tagged with it;
    ``uncovered``: what the hybrid score of an article that no intent stands for, and its lead over
    the next article, must come to together for it to answer, whatever the intents say.
    """

    strong_hit: float = 0.62
    weak_hit: float = 0.42
    close_second: float = LEAST_SUPPORT
    intent_support: float = SUPPORT
    uncovered: float = 0.74

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


DEFAULTS = Thresholds()


@dataclass(frozen=True, slots=True)
class Known:
    """An article as the bot knows it; ``blocks`` are the paragraphs and lists of its body."""

    slug: str
    title: str
    intents: tuple[str, ...]
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """By which group's promise an answer is judged: above that confidence it is given."""

    group: str
    above: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What the models say of one message; ``articles`` maps a slug to its article, ``limit`` is
    what was promised for the group of its intent."""

    text: str
    intent: Classification
    hits: Sequence[Hit]
    articles: Mapping[str, Known]
    language: str | None = None
    unsure_before: int = 0
    chosen: str | None = None
    limit: Limit | None = None

    @property
    def sure(self) -> bool:
        """Whether the intent is sure: by the promise for its group, else by its model."""
        if self.limit is None:
            return self.intent.confident
        return self.intent.in_scope and self.intent.confidence > self.limit.above


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, what to say, what to cite, and the rule that decided.

    A decision that is not ``sure`` gives way to one by another reading of the message. ``flow`` is
    what the conversation keeps of a flow from here on; nothing ends one that runs.
    """

    action: Action
    text: str
    rule: str
    sure: bool = True
    citations: list[dict[str, str]] = field(default_factory=list)
    choices: list[dict[str, str]] = field(default_factory=list)
    ranked: list[dict[str, Any]] = field(default_factory=list)
    flow: dict[str, Any] = field(default_factory=dict)


def decide(findings: Findings, thresholds: Thresholds = DEFAULTS) -> Decision:
    """The first rule that applies decides."""
    if findings.chosen in findings.articles:
        return _answer(findings, str(findings.chosen), "the visitor chose the article", [])
    if (chat := small_talk(findings.text)) is not None:
        return Decision("chat", chat.reply, f"small talk: {chat.kind}")
    if _PERSON.search(findings.text):
        return Decision("hand_over", TEXT_HAND_OVER, RULE_PERSON)
    if findings.language is not None:
        return Decision("hand_over", TEXT_FOREIGN, f"language {findings.language}")
    return _from_models(findings, _rank(findings, thresholds), thresholds)


def on_several(whole: Decision, parts: Mapping[str, Decision]) -> Decision | None:
    """One answer of those to the ``parts`` of a message, if they are about different articles, or
    if one of them is surely understood and the ``whole`` is not, or offers to choose among others;
    it says which part it does not answer."""
    answers = {one.citations[0]["slug"]: one for one in parts.values() if one.action == "answer"}
    surely = {slug for slug, one in answers.items() if one.sure}
    if whole.action == "clarify":
        surely -= {choice["slug"] for choice in whole.choices}
    elif whole.action != "unsure":
        surely = set()
    if len(answers) < (1 if surely else 2):
        return None
    texts = [f"{one.citations[0]['title']}\n{one.text}" for one in answers.values()]
    left = [part for part, one in parts.items() if one.action != "answer"]
    texts += [TEXT_LEFT.format(part=part.strip(" .!?")[:_PART_SHOWN]) for part in left]
    return Decision(
        "answer",
        "\n\n".join(texts),
        "several matters" if len(answers) > 1 else "one of several matters",
        citations=[citation for one in answers.values() for citation in one.citations],
        ranked=[row for one in answers.values() for row in one.ranked[:1]],
    )


def _from_models(findings: Findings, ranked: list[dict[str, Any]], limits: Thresholds) -> Decision:
    intent = findings.intent
    best = ranked[0] if ranked else None
    if best is None:
        return _unsure(findings, "no article was found", ranked)
    if (slug := _uncovered(findings, limits)) is not None:
        return _answer(findings, slug, "an article of no intent matches best", ranked)
    if not intent.in_scope and best["hit"] < limits.strong_hit:
        return _unsure(findings, "out of scope", ranked)
    if intent.in_scope and (close := _close_articles(findings, limits)):
        choices = [{"slug": slug, "label": findings.articles[slug].title} for slug in close]
        return Decision(
            "clarify", TEXT_CLARIFY, "two intents are close", False, choices=choices, ranked=ranked
        )
    if findings.sure and best["intent"] > 0:
        return _answer(findings, best["slug"], RULE_SURE, ranked)
    promised = findings.limit is not None and intent.in_scope
    if best["hit"] >= limits.strong_hit and not promised:
        return _answer(findings, best["slug"], "an article matches well", ranked)
    if intent.in_scope and best["hit"] >= limits.weak_hit and best["intent"] >= limits.close_second:
        choices = [
            {"slug": row["slug"], "label": findings.articles[row["slug"]].title}
            for row in ranked[:2]
        ]
        return Decision(
            "clarify", TEXT_CLARIFY, "not sure enough", False, choices=choices, ranked=ranked
        )
    return _unsure(findings, "nothing is near enough", ranked)


def _uncovered(findings: Findings, limits: Thresholds) -> str | None:
    """The article that the intents cannot know of, if the text clearly asks for it."""
    if len(findings.hits) < 2:
        return None
    first, second = findings.hits[:2]
    article = findings.articles.get(first.document_id)
    together = first.score + (first.score - second.score)
    clear = first.score >= limits.weak_hit and together >= limits.uncovered
    return first.document_id if article and not article.intents and clear else None


def _rank(findings: Findings, limits: Thresholds) -> list[dict[str, Any]]:
    """Articles by hybrid score, with support from the intents that they are tagged with."""
    ranked = rerank(
        findings.hits,
        {slug: article.intents for slug, article in findings.articles.items()},
        findings.intent,
        weight=limits.intent_support,
        least=limits.close_second,
    )
    return [
        {
            "slug": one.document_id,
            "title": findings.articles[one.document_id].title,
            "score": round(one.score, 4),
            "hit": round(one.hit.score, 4) if one.hit else 0.0,
            "dense": round(one.hit.dense, 4) if one.hit else 0.0,
            "lexical": round(one.hit.lexical, 4) if one.hit else 0.0,
            "intent": round(one.support, 4),
            "passage": _shown(one.hit) if one.hit else "",
        }
        for one in ranked[:5]
    ]


def _shown(hit: Hit) -> str:
    cut = hit.passage.text[:_PASSAGE_SHOWN]
    return plain(cut) + ("…" if len(hit.passage.text) > _PASSAGE_SHOWN else "")


def _close_articles(findings: Findings, limits: Thresholds) -> list[str]:
    """The articles of the two best intents, when those are close and have different articles."""
    if findings.sure or len(findings.intent.scores) < 2:
        return []
    first, second = findings.intent.scores[:2]
    if second.score < limits.close_second:
        return []
    slugs = []
    for label in (first.label, second.label):
        slug = next((s for s, known in findings.articles.items() if label in known.intents), None)
        if slug is not None and slug not in slugs:
            slugs.append(slug)
    return slugs if len(slugs) == 2 else []


def _answer(findings: Findings, slug: str, rule: str, ranked: list[dict[str, Any]]) -> Decision:
    article = findings.articles[slug]
    hit = next((hit for hit in findings.hits if hit.document_id == slug), None)
    passage = hit.passage.text if hit and hit.passage.kind == "body" else None
    text = excerpt(article.blocks, passage)
    citation = {"slug": slug, "title": article.title, "url": f"/support/help/{slug}/"}
    return Decision("answer", text, rule, citations=[citation], ranked=ranked)


def _unsure(findings: Findings, rule: str, ranked: list[dict[str, Any]]) -> Decision:
    if findings.unsure_before + 1 >= _UNSURE_LIMIT:
        return Decision("hand_over", TEXT_HAND_OVER, f"{rule}, again", False, ranked=ranked)
    return Decision("unsure", TEXT_UNSURE, rule, False, ranked=ranked)
