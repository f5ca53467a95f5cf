"""How much a model's answers change when its texts do."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ml.evaluation.accuracy import accuracy
from ml.evaluation.decoding import spans_of
from ml.evaluation.entity_counts import entity_counts, micro_f1
from ml.evaluation.perturbations import PERTURBATIONS
from ml.evaluation.tag_perturbations import Sentence, tag_perturbations

Classify = Callable[[Sequence[str]], Sequence[str]]
Tag = Callable[[Sequence[Sequence[str]]], Sequence[Sequence[str]]]
Report = Callable[[int, int, str], None]

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ChangedAnswer:
    """A text whose answer changed, as it was and as it became."""

    before: str
    after: str
    gold: str
    answer_before: str
    answer_after: str


@dataclass(frozen=True, slots=True)
class Robustness:
    """What one perturbation does to the ``n`` rows that it changes.

    ``before`` and ``after`` are the accuracy (F1, of taggers) on these rows; ``change`` is after
    less before; ``changed`` the share of rows with another answer. Where ``keeps_label`` is
    false, the right answer may have changed with the text, and only ``changed`` tells something.
    """

    name: str
    n: int
    before: float
    after: float
    change: float
    changed: float
    keeps_label: bool
    examples: tuple[ChangedAnswer, ...]


def classifier_robustness(
    classify: Classify,
    texts: Sequence[str],
    gold: Sequence[str],
    *,
    seed: int = 0,
    report: Report = lambda done, total, name: None,
) -> list[Robustness]:
    """Every perturbation of every text that it changes, against the text itself.

    ``classify`` returns a label a text. The same seed gives the same texts.
    """
    plain = list(classify(texts))
    found = []
    for number, perturbation in enumerate(PERTURBATIONS, start=1):
        generator = random.Random(f"{seed}/{perturbation.name}")  # noqa: S311 - not secret
        made = [(i, perturbation.change(text, generator)) for i, text in enumerate(texts)]
        rows = [(i, text) for i, text in made if text is not None]
        answers = list(classify([text for _, text in rows]))
        wanted = [gold[i] for i, _ in rows]
        before = [plain[i] for i, _ in rows]
        changes = [
            ChangedAnswer(texts[i], text, gold[i], plain[i], answer)
            for (i, text), answer in zip(rows, answers, strict=True)
            if answer != plain[i]
        ]
        right, still = accuracy(before, wanted), accuracy(answers, wanted)
        found.append(
            Robustness(
                name=perturbation.name,
                n=len(rows),
                before=right,
                after=still,
                change=still - right,
                changed=len(changes) / len(rows) if rows else 0.0,
                keeps_label=perturbation.keeps_label,
                examples=tuple(changes[:EXAMPLES]),
            )
        )
        report(number, len(PERTURBATIONS), perturbation.name)
    return found


def tagger_robustness(
    tag: Tag,
    sentences: Sequence[Sentence],
    *,
    seed: int = 0,
    report: Report = lambda done, total, name: None,
) -> list[Robustness]:
    """Every perturbation of every sentence that it changes, against the sentence itself.

    ``tag`` returns BIO tags for sentences given as words. As words may change their number, a
    sentence's answer counts as changed when the number of its entities that are found rightly,
    or wrongly, changes.
    """
    plain = [tuple(tags) for tags in tag([words for words, _ in sentences])]
    changes_by_name = tag_perturbations(sentences)
    found = []
    for number, (name, change) in enumerate(changes_by_name.items(), start=1):
        generator = random.Random(f"{seed}/{name}")  # noqa: S311 - not secret
        made = [(i, change(sentence, generator)) for i, sentence in enumerate(sentences)]
        rows = [(i, sentence) for i, sentence in made if sentence is not None]
        answers = [tuple(tags) for tags in tag([words for _, (words, _) in rows])]
        found.append(_of_tags(name, sentences, plain, rows, answers))
        report(number, len(changes_by_name), name)
    return found


def _of_tags(
    name: str,
    sentences: Sequence[Sentence],
    plain: Sequence[tuple[str, ...]],
    rows: Sequence[tuple[int, Sentence]],
    answers: Sequence[tuple[str, ...]],
) -> Robustness:
    changes = [
        ChangedAnswer(
            before=" ".join(sentences[i][0]),
            after=" ".join(sentence[0]),
            gold=_entities(*sentence),
            answer_before=_entities(sentences[i][0], plain[i]),
            answer_after=_entities(sentence[0], tags),
        )
        for (i, sentence), tags in zip(rows, answers, strict=True)
        if _outcome(plain[i], sentences[i][1]) != _outcome(tags, sentence[1])
    ]
    before = micro_f1([plain[i] for i, _ in rows], [sentences[i][1] for i, _ in rows])
    after = micro_f1(answers, [sentence[1] for _, sentence in rows])
    return Robustness(
        name=name,
        n=len(rows),
        before=before,
        after=after,
        change=after - before,
        changed=len(changes) / len(rows) if rows else 0.0,
        keeps_label=True,
        examples=tuple(changes[:EXAMPLES]),
    )


def _outcome(predicted: Sequence[str], gold: Sequence[str]) -> tuple[int, int]:
    right, given, _ = entity_counts([predicted], [gold])[0].tolist()
    return right, given - right


def _entities(words: Sequence[str], tags: Sequence[str]) -> str:
    found = [f"{label}: {' '.join(words[a : b + 1])}" for a, b, label in spans_of(tags)]
    return "; ".join(found) or "none"
