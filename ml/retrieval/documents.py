"""Documents and the passages by which they are found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

PassageKind = Literal["title", "question", "body"]

_PARAGRAPH = re.compile(r"\n\s*\n")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")


INTENT_TAG = "intent:"
"""How a tag of an article begins that names an intent which the article answers."""


def intents_of(tags: Iterable[str]) -> tuple[str, ...]:
    """The intents that an article's tags name."""
    return tuple(tag.removeprefix(INTENT_TAG) for tag in tags if tag.startswith(INTENT_TAG))


@dataclass(frozen=True, slots=True)
class Document:
    """Something to be found: an article, a news story, an item of a catalogue.

    ``questions`` are texts that should lead to it, such as ways in which customers ask.
    """

    id: str
    title: str
    body: str = ""
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document; ``indexed`` is what is searched, ``text`` what is shown."""

    id: str
    document_id: str
    kind: PassageKind
    text: str
    indexed: str


def passages_of(document: Document, *, max_words: int = 110) -> list[Passage]:
    """The title, each question and the body in pieces of at most about ``max_words`` words.

    Pieces end with a sentence (a longer sentence is a piece of its own). The title goes into each
    piece of the body for searching, since a piece alone often does not say what it is about.
    """
    title = document.title.strip()
    texts: list[tuple[PassageKind, str, str]] = [("title", title, title)] if title else []
    texts += [("question", text, text) for text in map(str.strip, document.questions) if text]
    for piece in split_body(document.body, max_words=max_words):
        texts.append(("body", piece, f"{title}\n{piece}" if title else piece))
    return [
        Passage(f"{document.id}#{number}", document.id, kind, text, indexed)
        for number, (kind, text, indexed) in enumerate(texts)
    ]


def split_body(body: str, *, max_words: int) -> Iterator[str]:
    """Whole sentences, as many as fit; a blank line ends a piece that is half full."""
    piece: list[str] = []
    words = 0
    for paragraph in _PARAGRAPH.split(body):
        for sentence in filter(None, map(str.strip, _SENTENCE.split(paragraph))):
            length = len(sentence.split())
            if piece and words + length > max_words:
                yield " ".join(piece)
                piece, words = [], 0
            piece.append(sentence)
            words += length
        if words > max_words // 2:
            yield " ".join(piece)
            piece, words = [], 0
    if piece:
        yield " ".join(piece)
