"""Whether who is named in a text decides how it is scored: counterfactual swaps and frames.

For classifiers, the texts themselves with gendered words, first names and nationalities swapped
where they stand (Garg et al. 2019), and texts put in the mouth of somebody: the words stay the
same, only the speaker's name, gender or nationality differs. For taggers, sentences in which
only the person's name differs, so that recall can be compared between groups (Mishra et al.
2020).
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ml.evaluation.word_lists import (
    FIRST_NAMES,
    GENDERED_WORDS,
    LAST_NAMES,
    NATIONALITIES,
    NEVER_OWNED,
)
from ml.types import FloatArray

Probabilities = Callable[[Sequence[str]], FloatArray]
"""Texts to calibrated probabilities, shape (texts, labels)."""

Tag = Callable[[Sequence[Sequence[str]]], Sequence[Sequence[str]]]
Report = Callable[[int, int, str], None]

FRAMED_TEXTS = 60

_SENTENCES = (
    "I spoke with {name} about the refund yesterday .",
    "{name} called twice and nobody answered .",
    "Shares rose after {name} joined the board .",
    "My card was sent to {name} by mistake .",
    "According to {name} , sales will double next year .",
    "Please ask {name} to send the invoice again .",
)


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A group with the number of its texts and its mean score: the mean probability of the label
    that a text gets over all groups (classifiers), or the recall of its names (taggers)."""

    group: str
    n: int
    score: float


@dataclass(frozen=True, slots=True)
class Fairness:
    """One comparison between groups over ``n`` texts.

    ``gap`` is the greatest less the least group score. Of classifiers also: ``mean_change`` and
    ``max_change``, over texts, of the greatest change of the scores between two groups (total
    variation of the probabilities), and ``changed``, the share of texts whose answer depends on
    the group.
    """

    name: str
    n: int
    gap: float
    groups: tuple[GroupScore, ...]
    mean_change: float | None = None
    max_change: float | None = None
    changed: float | None = None


_GENDER_SPEAKERS = {
    "woman": "A woman says: ",
    "man": "A man says: ",
    "non-binary": "A non-binary person says: ",
}
_NAME_SPEAKERS = {
    f"{origin}, {gender}": f"{names[0]} {LAST_NAMES[origin][0]} says: "
    for gender, origins in FIRST_NAMES.items()
    for origin, names in origins.items()
}
_ARTICLES = {one: "an" if one[0] in "AEIOU" else "a" for one in NATIONALITIES}
_NATIONAL_SPEAKERS = {
    nationality: f"{article.title()} {nationality} customer says: "
    for nationality, article in _ARTICLES.items()
}
_TO_MEN = dict(reversed(GENDERED_WORDS))
_TO_WOMEN = {man: woman for woman, man in reversed(GENDERED_WORDS)} | {"him": "her"}
_NEXT_WORD = re.compile(r"\s+[\"'(\u2018\u201c]?(\w[\w-]*)")


def classifier_fairness(
    probabilities: Probabilities,
    texts: Sequence[str],
    *,
    seed: int = 0,
    report: Report = lambda done, total, name: None,
    thresholds: FloatArray | None = None,
) -> list[Fairness]:
    """Swaps in the rows that mention somebody, then frames round a sample of all rows.

    Swaps: every text that holds a gendered word, a first name or a nationality of the lists.
    Frames: ``FRAMED_TEXTS`` texts drawn by ``seed``, each with every group. With ``thresholds``, of
    shape (labels,), the answer is every label whose score reaches its own, and the change of the
    scores is the greatest of a label.
    """
    generator = random.Random(seed)  # noqa: S311 - reproducible, not secret
    drawn = generator.sample(list(texts), min(FRAMED_TEXTS, len(texts)))
    comparisons: list[tuple[str, list[dict[str, str]]]] = [
        ("gender, words swapped", [v for text in texts if (v := _gender_swaps(text))]),
        ("first names swapped", [v for text in texts if (v := _name_swaps(text))]),
        ("nationality swapped", [v for text in texts if (v := _nationality_swaps(text))]),
        ("gender of the speaker", [_spoken_by(text, _GENDER_SPEAKERS) for text in drawn]),
        ("name of the speaker, by origin", [_spoken_by(text, _NAME_SPEAKERS) for text in drawn]),
        ("nationality of the speaker", [_spoken_by(text, _NATIONAL_SPEAKERS) for text in drawn]),
    ]
    found = []
    for number, (name, variants) in enumerate(comparisons, start=1):
        found.append(_compared(name, variants, probabilities, thresholds))
        report(number, len(comparisons), name)
    return found


def tagger_fairness(
    tag: Tag, *, label: str, report: Report = lambda done, total, name: None
) -> list[Fairness]:
    """The recall of persons' full names in the same sentences, by gender and by origin.

    ``label`` is the type that persons have. A name counts when exactly its words have it.
    """
    cases = [
        (gender, origin, sentence, (first, last))
        for gender, origins in FIRST_NAMES.items()
        for origin, firsts in origins.items()
        for first in firsts
        for last in LAST_NAMES[origin]
        for sentence in _SENTENCES
    ]
    built = [_with_name(sentence, name) for _, _, sentence, name in cases]
    tags = tag([words for words, _ in built])
    wanted = (f"B-{label}", f"I-{label}")
    hits = [
        tuple(row[place : place + 2]) == wanted and row[place + 2 : place + 3] != [f"I-{label}"]
        for row, (_, place) in zip(tags, built, strict=True)
    ]
    report(1, 1, "names")
    return [
        _recall("names by gender", [gender for gender, *_ in cases], hits),
        _recall("names by origin", [origin for _, origin, *_ in cases], hits),
    ]


def _compared(
    name: str,
    variants: Sequence[dict[str, str]],
    probabilities: Probabilities,
    thresholds: FloatArray | None,
) -> Fairness:
    """Scores of the same texts between groups; each text maps a group to its variant."""
    if not variants:
        return Fairness(name, 0, 0.0, ())
    flat = [text for texts in variants for text in texts.values()]
    scores = probabilities(flat).astype(np.float64)
    by_group: dict[str, list[float]] = {}
    changes, differing, start = [], 0, 0
    for texts in variants:
        rows = scores[start : start + len(texts)]
        start += len(texts)
        top = int(rows.mean(axis=0).argmax())
        apart = np.abs(rows[:, None] - rows[None, :])
        if thresholds is None:
            changes.append(float(apart.sum(axis=2).max()) / 2)
            differing += len(set(rows.argmax(axis=1).tolist())) > 1
        else:
            changes.append(float(apart.max()))
            differing += len(np.unique(rows >= thresholds, axis=0)) > 1
        for group, row in zip(texts, rows, strict=True):
            by_group.setdefault(group, []).append(float(row[top]))
    groups = [GroupScore(g, len(values), float(np.mean(values))) for g, values in by_group.items()]
    return Fairness(
        name=name,
        n=len(variants),
        gap=_gap(groups),
        groups=tuple(groups),
        mean_change=float(np.mean(changes)),
        max_change=max(changes),
        changed=differing / len(variants),
    )


def _recall(name: str, groups: Sequence[str], hits: Sequence[bool]) -> Fairness:
    by_group: dict[str, list[bool]] = {}
    for group, hit in zip(groups, hits, strict=True):
        by_group.setdefault(group, []).append(hit)
    scores = [
        GroupScore(group, len(found), sum(found) / len(found)) for group, found in by_group.items()
    ]
    return Fairness(name, len(hits), _gap(scores), tuple(scores))


def _gap(groups: Sequence[GroupScore]) -> float:
    scores = [group.score for group in groups]
    return max(scores) - min(scores)


def _spoken_by(text: str, speakers: Mapping[str, str]) -> dict[str, str]:
    return {group: f"{speaker}{text}" for group, speaker in speakers.items()}


def _gender_swaps(text: str) -> dict[str, str]:
    """The text with all its gendered words a woman's, and a man's; nothing without any."""
    women = _GENDERED.sub(lambda found: _swapped(found, _TO_WOMEN), text)
    men = _GENDERED.sub(lambda found: _swapped(found, _TO_MEN), text)
    return {"women": women, "men": men} if women != men else {}


def _swapped(found: re.Match[str], words: Mapping[str, str]) -> str:
    word = found.group()
    other = words.get(word.lower(), word.lower())
    if words is _TO_MEN and word.lower() == "her" and not _is_before_noun(found):
        other = "him"
    if words is _TO_WOMEN and word.lower() == "his" and not _is_before_noun(found):
        other = "hers"
    return other.upper() if word.isupper() else other.title() if word[0].isupper() else other


def _is_before_noun(found: re.Match[str]) -> bool:
    """Whether somebody's own follows: "her card", "his 2 cards". Not so before a mark, the end or
    a word that begins no noun, "I saw her yesterday"."""
    following = _NEXT_WORD.match(found.string, found.end())
    return following is not None and following[1].lower() not in NEVER_OWNED


def _name_swaps(text: str) -> dict[str, str]:
    if not _FIRST_NAME.search(text):
        return {}
    return {
        f"{origin}, {gender}": _FIRST_NAME.sub(names[0], text)
        for gender, origins in FIRST_NAMES.items()
        for origin, names in origins.items()
    }


def _nationality_swaps(text: str) -> dict[str, str]:
    if not _NATIONALITY.search(text):
        return {}
    return {
        nationality: _NATIONALITY.sub(partial(_of_nation, nationality=nationality), text)
        for nationality in NATIONALITIES
    }


def _of_nation(found: re.Match[str], *, nationality: str) -> str:
    if not found["article"]:
        return nationality
    article = _ARTICLES[nationality]
    article = article.title() if found["article"][0].isupper() else article
    return f"{article}{found['blank']}{nationality}"


def _with_name(sentence: str, name: tuple[str, str]) -> tuple[list[str], int]:
    """The words of a sentence with the name in it, and where the name begins."""
    before = sentence.split("{name}")[0].split()
    return sentence.format(name=" ".join(name)).split(), len(before)


def _any_of(words: Iterable[str], flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(re.escape(word) for word in words)})\b", flags)


_GENDERED = _any_of({*_TO_MEN, *_TO_WOMEN}, re.IGNORECASE)
_FIRST_NAME = _any_of(
    name for origins in FIRST_NAMES.values() for names in origins.values() for name in names
)
_NATIONALITY = re.compile(
    rf"(?:\b(?P<article>[Aa]n?)(?P<blank>\s+))?{_any_of(NATIONALITIES).pattern}"
)
