"""Reads RSS and Atom feeds that were fetched; refuses what is not one, with the reason."""

from __future__ import annotations

import calendar
import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import ParseError

import feedparser
import nh3
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from apps.core.file_imports import RowError
from apps.market.rows import MAX_BODY, MAX_TITLE, ArticleRow, article_row
from ml.wording import Wording

_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.I)
_ROOTS = frozenset({"rss", "feed", "RDF"})
_SPACE = re.compile(r"\s+")


class FeedError(Exception):
    """The document is no usable feed; ``code`` is stable, ``words`` are for a person."""

    def __init__(self, code: str, words: Wording) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's title and its usable entries; ``refused`` says what was wrong with the others."""

    title: str
    rows: tuple[ArticleRow, ...]
    refused: tuple[Wording, ...]


def parse_feed(content: bytes, *, content_type: str = "", source: str = "") -> Feed:
    """Parse a feed; its articles belong to ``source`` or else to the feed's title.

    Raises :class:`FeedError` for an HTML page, unsound XML, XML that declares entities (they can
    expand without bound), and XML that is no feed.
    """
    _check_xml(content, content_type)
    parsed = feedparser.parse(content, response_headers={"content-type": "application/xml"})
    title = _plain(parsed.feed.get("title", ""))[:120] or "Untitled feed"
    rows, refused = [], []
    for number, entry in enumerate(parsed.entries, start=1):
        try:
            rows.append(_row(entry, source or title))
        except RowError as error:
            words = Wording("entry %(number)s: %(problem)s", number=number, problem=error.words)
            refused.append(words)
    return Feed(title, tuple(rows), tuple(refused))


def _check_xml(content: bytes, content_type: str) -> None:
    if _HTML.match(content[:2000]) or content_type.partition(";")[0].strip() == "text/html":
        raise FeedError("html", Wording("This is a web page, not a feed."))
    if not content.strip():
        raise FeedError("empty", Wording("The feed is empty."))
    try:
        root = ElementTree.fromstring(content)
    except DefusedXmlException as error:
        words = Wording("The feed declares XML entities and was refused.")
        raise FeedError("unsafe_xml", words) from error
    except ParseError as error:
        words = Wording("The feed is not well-formed XML (%(error)s).", error=str(error))
        raise FeedError("invalid_xml", words) from error
    except (ValueError, LookupError) as error:  # an encoding that is unknown or does not fit
        words = Wording("The feed cannot be decoded (%(error)s).", error=str(error))
        raise FeedError("invalid_xml", words) from error
    if root.tag.rpartition("}")[2] not in _ROOTS:
        words = Wording("The document is XML but no feed (<%(tag)s>).", tag=root.tag[:40])
        raise FeedError("no_feed", words)


def _row(entry: Any, source: str) -> ArticleRow:
    published = entry.get("published_parsed") or entry.get("updated_parsed")
    return article_row(
        {
            "title": _plain(entry.get("title", ""))[:MAX_TITLE],
            "body": _plain(_longest_text(entry))[:MAX_BODY],
            "url": _link(entry.get("link", "")),
            "external_id": entry.get("id", ""),
            "published_at": _time(published),
            "source": source,
        }
    )


def _longest_text(entry: Any) -> str:
    texts = [
        entry.get("summary", ""),
        *(part.get("value", "") for part in entry.get("content", [])),
    ]
    return max(texts, key=len)


def _link(link: str) -> str:
    """A link that cannot be opened is left out; the article is worth having without it."""
    return link if link.startswith(("http://", "https://")) else ""


def _time(parsed: Any) -> str | None:
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _plain(markup: str) -> str:
    """Markup as plain text on one line."""
    spaced = re.sub(r"<(?:br|/p|/li|/div)\b", r" \g<0>", markup, flags=re.I)
    return _SPACE.sub(" ", html.unescape(nh3.clean(spaced, tags=set()))).strip()
