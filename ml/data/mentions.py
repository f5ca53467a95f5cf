"""Names that a tagged file labels now so, now otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from ml.data.readers import TaggedSentence
from ml.evaluation.decoding import spans_of

OUTSIDE = "O"
_MIN_SEEN = 5
_USUAL = 0.8


@dataclass(frozen=True, slots=True)
class OddMention:
    """A name in sentence ``index`` that has ``label`` there and mostly ``usual`` elsewhere.

    ``share`` of its ``seen`` mentions have the usual label.
    """

    index: int
    name: str
    label: str
    usual: str
    share: float
    seen: int


def odd_mentions(sentences: Sequence[TaggedSentence]) -> list[OddMention]:
    """Mentions that go against at least four in five of five or more, the most lopsided first.

    Plain words count as mentions too (``O``) where the same words, written alike, are an entity
    elsewhere; words inside a longer entity do not.
    """
    spans = [spans_of(sentence.tags) for sentence in sentences]
    names = {
        sentence.tokens[a : b + 1]
        for sentence, found in zip(sentences, spans, strict=True)
        for a, b, _ in found
    }
    longest = max((len(name) for name in names), default=0)
    seen: dict[tuple[str, ...], list[tuple[int, str]]] = defaultdict(list)
    for index, (sentence, found) in enumerate(zip(sentences, spans, strict=True)):
        for a, b, label in found:
            seen[sentence.tokens[a : b + 1]].append((index, label))
        for start, tag in enumerate(sentence.tags):
            for end in range(start + 1, min(start + longest, len(sentence.tags)) + 1):
                if tag != OUTSIDE or sentence.tags[end - 1] != OUTSIDE:
                    break
                if sentence.tokens[start:end] in names:
                    seen[sentence.tokens[start:end]].append((index, OUTSIDE))
    return _against_the_usual(seen)


def _against_the_usual(
    seen: dict[tuple[str, ...], list[tuple[int, str]]],
) -> list[OddMention]:
    odd = []
    for name, mentions in seen.items():
        usual, count = Counter(label for _, label in mentions).most_common(1)[0]
        share = count / len(mentions)
        if len(mentions) < _MIN_SEEN or share < _USUAL:
            continue
        odd += [
            OddMention(index, " ".join(name), label, usual, share, len(mentions))
            for index, label in mentions
            if label != usual
        ]
    return sorted(odd, key=lambda one: (-one.share, -one.seen, one.name, one.index))
