"""Seeded changes of tagged sentences under which the entities stay known."""

from __future__ import annotations

import random
import string
from collections import defaultdict
from collections.abc import Callable, Sequence

from ml.evaluation.decoding import spans_of
from ml.evaluation.perturbations import slip

Sentence = tuple[tuple[str, ...], tuple[str, ...]]
"""Words and their BIO tags."""

Change = Callable[[Sentence, random.Random], Sentence | None]
_WORDS_A_SLIP = 8
_SHORTEST = 4
_AUXILIARIES = frozenset("is are was were can could will would should do does did has have".split())  # noqa: SIM905
_NEGATIONS = frozenset({"not", "cannot", "n't", "n\u2019t"})


def tag_perturbations(sentences: Sequence[Sentence]) -> dict[str, Change]:
    """The changes by name; names are exchanged for others of the same type in ``sentences``."""
    names = entity_names(sentences)

    def entity_swap(sentence: Sentence, generator: random.Random) -> Sentence | None:
        return swapped_entities(sentence, names, generator)

    return {
        "typos": typos,
        "typos_in_entities": typos_in_entities,
        "lower_case": lower_case,
        "upper_case": upper_case,
        "without_punctuation": without_punctuation,
        "negation": negated,
        "entity_swap": entity_swap,
    }


def typos(sentence: Sentence, generator: random.Random) -> Sentence | None:
    """One slip in about every eight words, outside of entities."""
    return _slipped(sentence, generator, inside=False)


def typos_in_entities(sentence: Sentence, generator: random.Random) -> Sentence | None:
    """One slip in about every eight words, at least one, in the words of entities."""
    return _slipped(sentence, generator, inside=True)


def lower_case(sentence: Sentence, generator: random.Random) -> Sentence | None:
    """All letters small, as in chats."""
    return _changed(sentence, (tuple(word.lower() for word in sentence[0]), sentence[1]))


def upper_case(sentence: Sentence, generator: random.Random) -> Sentence | None:
    """All letters capital, as in headlines and shouted messages."""
    return _changed(sentence, (tuple(word.upper() for word in sentence[0]), sentence[1]))


def without_punctuation(sentence: Sentence, generator: random.Random) -> Sentence | None:
    """Marks outside of entities taken out."""
    kept = [
        (word, tag)
        for word, tag in zip(*sentence, strict=True)
        if tag != "O" or word.strip(string.punctuation)
    ]
    if not kept:
        return None
    return _changed(sentence, (tuple(w for w, _ in kept), tuple(t for _, t in kept)))


def negated(sentence: Sentence, generator: random.Random) -> Sentence | None:
    """ "not" behind the first auxiliary verb that is not negated, nor follows a negation: no entity
    changes by it."""
    words, tags = sentence
    for place, (word, tag) in enumerate(zip(words, tags, strict=True), start=1):
        beside = {one.lower() for one in words[max(0, place - 2) : place + 1]}
        if tag == "O" and word.lower() in _AUXILIARIES and not beside & _NEGATIONS:
            return (*words[:place], "not", *words[place:]), (*tags[:place], "O", *tags[place:])
    return None


def entity_names(sentences: Sequence[Sentence]) -> dict[str, list[tuple[str, ...]]]:
    """The distinct entities of each type, sorted."""
    names: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for words, tags in sentences:
        for first, last, label in spans_of(tags):
            names[label].add(tuple(words[first : last + 1]))
    return {label: sorted(found) for label, found in names.items()}


def swapped_entities(
    sentence: Sentence, names: dict[str, list[tuple[str, ...]]], generator: random.Random
) -> Sentence | None:
    """Each entity exchanged for another of its type."""
    words, tags = list(sentence[0]), list(sentence[1])
    for first, last, label in reversed(spans_of(sentence[1])):
        others = [name for name in names.get(label, []) if name != tuple(words[first : last + 1])]
        if others:
            name = generator.choice(others)
            words[first : last + 1] = name
            tags[first : last + 1] = [f"B-{label}", *[f"I-{label}"] * (len(name) - 1)]
    return _changed(sentence, (tuple(words), tuple(tags)))


def _slipped(sentence: Sentence, generator: random.Random, *, inside: bool) -> Sentence | None:
    words = list(sentence[0])
    places = [
        place
        for place, (word, tag) in enumerate(zip(*sentence, strict=True))
        if (tag != "O") == inside and len(word) >= _SHORTEST and word.isascii() and word.isalpha()
    ]
    if not places:
        return None
    count = max(1, round(len(words) / _WORDS_A_SLIP))
    for place in generator.sample(places, min(count, len(places))):
        words[place] = slip(words[place], generator)
    return _changed(sentence, (tuple(words), sentence[1]))


def _changed(before: Sentence, after: Sentence) -> Sentence | None:
    return after if after != before else None
