"""Texts in which one company is the target: what targeted sentiment is trained and served on.

The target's mentions become one stand-in word and those of the other known companies another, so
that the model learns what a text says of a place in it rather than of a name ("target masking").
The same function marks the texts of training, evaluation and serving.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ml.data.columns import Columns
from ml.data.readers import LabelledText, Problems, read_as, read_classification
from ml.data.records import Record
from ml.data.text import label_form
from ml.wording import Wording

TARGETED_TASK = "targeted_sentiment"
TARGET, OTHER = "targetco", "otherco"
STAND_INS = frozenset({TARGET, OTHER})
"""Words that no text has of itself: whoever changes texts leaves them as they are."""

_BEFORE, _LONGEST = 220, 520  # characters read before the first mention, and in all

Span = tuple[int, int]
"""Start and end of a mention, in characters of its text."""


@dataclass(frozen=True, slots=True)
class MarkedText(LabelledText):
    """A marked text with its target's label; ``opposite`` says that another's is the contrary."""

    opposite: bool = False


@dataclass(frozen=True, slots=True)
class TargetedText:
    """A text and the label of each company in it; ``row`` is its line in the file, from 1.

    The labels are empty where only the names are given.
    """

    text: str
    entities: Mapping[str, str]
    row: int = 0

    @property
    def is_opposite(self) -> bool:
        """Whether it is good news for one company and bad news for another."""
        return {"positive", "negative"} <= set(self.entities.values())

    def marked(self) -> list[str]:
        """The text once per company, with that company as its target."""
        spans = find_names(self.text, self.entities)
        return [
            mark_target(
                self.text,
                spans[name],
                [span for other, found in spans.items() if other != name for span in found],
            )
            for name in self.entities
        ]


def mark_target(text: str, target: Sequence[Span], others: Iterable[Span]) -> str:
    """``text`` with the mentions of the target and of the others replaced by their stand-ins.

    A mention that overlaps an earlier one, or one of the target, is left as it is. A long text is
    cut to the passage that begins shortly before the target's first mention.
    """
    mentions = [(span, TARGET) for span in target] + [(span, OTHER) for span in others]
    taken: list[tuple[Span, str]] = []
    for span, word in mentions:
        if all(span[1] <= other[0] or other[1] <= span[0] for other, _ in taken):
            taken.append((span, word))
    start, end = _passage(text, min((span[0] for span in target), default=0))
    parts, position = [], start
    for (first, last), word in sorted(taken):
        if first >= position and last <= end:
            parts += [text[position:first], word]
            position = last
    return "".join([*parts, text[position:end]]).strip()


def is_marked(text: str) -> bool:
    """Whether a text has a target, without which nobody knows of whom its label tells."""
    return bool(find_names(text, [TARGET])[TARGET])


def find_names(text: str, names: Iterable[str]) -> dict[str, list[Span]]:
    """Where each name stands in ``text`` as words of their own; a longer name comes first.

    A name that is not found so is looked for without regard to case, and then inside words.
    """
    names = list(names)
    found: dict[str, list[Span]] = {name: [] for name in names}
    alternatives = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    for match in re.finditer(rf"(?<!\w)(?:{alternatives})(?!\w)", text):
        found[match.group()].append(match.span())
    for name, spans in found.items():
        for pattern in (rf"(?<!\w){re.escape(name)}(?!\w)", re.escape(name)):
            if not spans:
                spans += [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]
    return found


def read_targeted(
    path: Path,
    problems: Problems | None = None,
    columns: Columns | None = None,
    *,
    labelled: bool = True,
) -> Iterator[TargetedText]:
    """Rows ``{"text", "entities": {"name": "label"}}`` of a JSONL file.

    With ``labelled=False`` the entities may also be a list of names. A row whose entities are not
    texts that stand in its text is bad: it raises :class:`DataError`, or goes to ``problems``.
    """
    make = partial(_targeted, labelled=labelled)
    yield from read_as(make, path, ("text", "entities"), problems, columns)


def read_marked(
    path: Path, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[MarkedText]:
    """The rows of :func:`read_targeted` as marked texts with one label, one for each company."""
    for text in read_targeted(path, problems, columns):
        for marked, label in zip(text.marked(), text.entities.values(), strict=True):
            yield MarkedText(marked, label, text.row, opposite=text.is_opposite)


def read_labelled(
    path: Path, task: str, problems: Problems | None = None, columns: Columns | None = None
) -> Iterator[LabelledText]:
    """The texts with one label of a classifier's file: of :data:`TARGETED_TASK` marked ones."""
    read = read_marked if task == TARGETED_TASK else read_classification
    yield from read(path, problems, columns)


def _targeted(record: Record, *, labelled: bool) -> TargetedText:
    text, entities = record.text("text"), record["entities"]
    if isinstance(entities, list) and not labelled:
        entities = {str(name): "" for name in entities}
    if not isinstance(entities, dict):
        called = record.called("entities")
        raise record.error(
            Wording("%(column)s is not an object of names and labels", column=called)
        )
    if not entities:
        raise record.error(Wording("has no entities"))
    for name, label in entities.items():
        if not name.strip() or not isinstance(label, str) or (labelled and not label_form(label)):
            told = Wording("the entity %(entity)r has no name or no label", entity=name)
            raise record.error(told)
    missing = [name for name, spans in find_names(text, entities).items() if not spans]
    if missing:
        told = Wording("the entity %(entity)r does not stand in the text", entity=missing[0])
        raise record.error(told)
    labels = {name: label_form(record.whole("entities", label)) for name, label in entities.items()}
    return TargetedText(text, labels, record.row)


def _passage(text: str, first: int) -> Span:
    """The part of ``text`` that is read when its target is first named at ``first``."""
    start = 0
    if first > _BEFORE and len(text) > _LONGEST:
        space = text.find(" ", first - _BEFORE, first)
        start = space + 1 if space >= 0 else first
    return start, min(len(text), start + _LONGEST)
