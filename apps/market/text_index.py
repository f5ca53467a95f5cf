"""The index behind the search for words in articles: which runs of three letters stand where.

A search finds any part of a word, as ``LIKE`` does, and the same rows: the index only tells which
articles are worth a look. On SQLite it is an FTS5 table that triggers keep equal to the articles,
on PostgreSQL an index of ``pg_trgm`` that its planner uses by itself.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import DatabaseError, connections, transaction

logger = logging.getLogger(__name__)

SHORTEST = 3
"""Characters of a text that the index can look up; shorter ones are looked for in the rows."""

MANY = 1000
"""With more candidates than this the newest articles are read instead: enough of them fit."""

MANY_OF_PHRASES = 10_000
"""The same where all that fit are wanted, not the newest."""

_SIGNS = (
    *(("ss", "\u00df"), ("ff", "\ufb00"), ("fi", "\ufb01"), ("fl", "\ufb02")),
    *(("ffi", "\ufb03"), ("ffl", "\ufb04"), ("st", "\ufb05"), ("st", "\ufb06")),
)
_PLAIN = re.compile(r"[!-~]+")  # other letters may have forms that the index does not take as one
_READ = 12  # letters of a word that are looked up: each sign in it doubles the ways to write it

_SQLITE = (
    """CREATE VIRTUAL TABLE IF NOT EXISTS market_article_text USING fts5(title, body,
        content='market_article', content_rowid='id', tokenize='trigram', columnsize=0)""",
    """CREATE TRIGGER market_article_text_new AFTER INSERT ON market_article BEGIN
        INSERT INTO market_article_text(rowid, title, body)
            VALUES (new.id, new.title, new.body); END""",
    """CREATE TRIGGER market_article_text_gone AFTER DELETE ON market_article BEGIN
        INSERT INTO market_article_text(market_article_text, rowid, title, body)
            VALUES ('delete', old.id, old.title, old.body); END""",
    """CREATE TRIGGER market_article_text_changed AFTER UPDATE OF title, body ON market_article
        WHEN old.title IS NOT new.title OR old.body IS NOT new.body BEGIN
        INSERT INTO market_article_text(market_article_text, rowid, title, body)
            VALUES ('delete', old.id, old.title, old.body);
        INSERT INTO market_article_text(rowid, title, body)
            VALUES (new.id, new.title, new.body); END""",
    "INSERT INTO market_article_text(market_article_text) VALUES ('rebuild')",
)
_TRIGGERS = """SELECT name FROM sqlite_master WHERE type = 'trigger'
    AND name LIKE 'market_article_text%'"""
_ALL_TRIGGERS = 3
_CANDIDATES = """SELECT rowid FROM market_article_text
    WHERE market_article_text MATCH %s LIMIT %s"""
_POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    """CREATE INDEX IF NOT EXISTS market_article_text ON market_article
        USING gin (UPPER(title::text) gin_trgm_ops, UPPER(body::text) gin_trgm_ops)""",
)


def make_index(*, using: str = "default", **_: Any) -> None:
    """Make the index where there is none; called after each ``migrate``.

    A migration that remakes the table of articles on SQLite loses its triggers with it, which is
    why this is no migration itself. Where PostgreSQL does not let its user add ``pg_trgm`` the
    search reads the rows.
    """
    connection = connections[using]
    if "market_article" not in connection.introspection.table_names():
        return
    if connection.vendor == "sqlite":
        with transaction.atomic(using=using), connection.cursor() as cursor:
            cursor.execute(_TRIGGERS)
            there = [row[0] for row in cursor.fetchall()]
            if len(there) == _ALL_TRIGGERS:
                return
            for name in there:
                cursor.execute(f"DROP TRIGGER {connection.ops.quote_name(name)}")
            for statement in _SQLITE:
                cursor.execute(statement)
    elif connection.vendor == "postgresql":
        try:
            with transaction.atomic(using=using), connection.cursor() as cursor:
                for statement in _POSTGRESQL:
                    cursor.execute(statement)
        except DatabaseError as error:
            logger.warning("searches in articles read the rows: %s", str(error).strip())


def candidates(text: str, *, using: str = "default") -> list[int] | None:
    """The ids of the articles that may hold ``text``; all that do are among them.

    ``None`` where the rows are to be read instead: PostgreSQL's planner chooses by itself, the text
    is too short, or more than :data:`MANY` may hold it.
    """
    if len(text) < SHORTEST or "\0" in text:
        return None
    return _matching(_quoted(text), MANY, using)


def phrase_candidates(phrases: Sequence[str], *, using: str = "default") -> list[int] | None:
    """The same for articles that may hold one of the phrases (as of ``conditions.phrases_of``),
    whatever spaces are between the words."""
    asked = [_all_words(phrase) for phrase in phrases]
    return _matching(" OR ".join(asked), MANY_OF_PHRASES, using) if all(asked) else None


def _matching(query: str, most: int, using: str) -> list[int] | None:
    connection = connections[using]
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [query, most + 1])
        found = [row[0] for row in cursor.fetchall()]
    return found if len(found) <= most else None


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _all_words(phrase: str) -> str:
    """The query for texts with each word of a phrase; empty when no word is long enough."""
    found = []
    for part in _PLAIN.findall(phrase):
        ways = list(_spellings(part[:_READ]))
        if min(map(len, ways)) >= SHORTEST:
            found.append(" OR ".join(map(_quoted, ways)))
    return "(" + " AND ".join(f"({ways})" for ways in found) + ")" if found else ""


def _spellings(word: str) -> Iterator[str]:
    """The word and all ways to write it with signs that stand for several letters: a phrase is
    compared without regard to them, the index knows them as they are."""
    if not word:
        yield ""
    for letters, sign in _SIGNS:
        if word.startswith(letters):
            yield from (sign + rest for rest in _spellings(word[len(letters) :]))
    if word:
        yield from (word[0] + rest for rest in _spellings(word[1:]))
