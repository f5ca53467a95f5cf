from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.market.feeds import FeedError, parse_feed

RSS = b"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0"><channel><title>Test Wire</title>
<item><title>Halvern &amp; Sons gains</title><link>https://w.example/1</link>
<guid>guid-1</guid><pubDate>Fri, 30 Jan 2026 07:45:00 +0000</pubDate>
<description>
&lt;p&gt;Shares &lt;b&gt;rose&lt;/b&gt;.&lt;/p&gt;&lt;script&gt;x()&lt;/script&gt;
</description></item>
<item><title></title><link>https://w.example/2</link></item>
<item><title>No date</title><link>javascript:alert(1)</link><guid>guid-3</guid></item>
</channel></rss>"""

ATOM = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Atom Wire</title>
<entry><title>Skyrill plunges</title><id>urn:1</id><link href="https://w.example/9"/>
<updated>2026-01-30T16:28:00+01:00</updated><summary>Short.</summary>
<content type="html">&lt;p&gt;A longer text.&lt;/p&gt;</content></entry></feed>"""

LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>
<rss><channel><title>&lol3;</title></channel></rss>"""

OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<rss><channel><title>&x;</title></channel></rss>"""


def test_rss_is_read() -> None:
    feed = parse_feed(RSS)
    assert feed.title == "Test Wire"
    first, third = feed.rows
    assert (first.title, first.body) == ("Halvern & Sons gains", "Shares rose.")
    assert (first.url, first.external_id) == ("https://w.example/1", "guid-1")
    assert first.published_at == datetime(2026, 1, 30, 7, 45, tzinfo=UTC)
    assert (third.url, third.published_at) == ("", None)
    assert feed.refused == ("entry 2: 'title' is empty",)


def test_atom_is_read_with_its_longest_text() -> None:
    [row] = parse_feed(ATOM).rows
    assert (row.title, row.body, row.source) == ("Skyrill plunges", "A longer text.", "Atom Wire")
    assert row.published_at == datetime(2026, 1, 30, 15, 28, tzinfo=UTC)


def test_articles_belong_to_the_source_that_is_polled() -> None:
    assert {row.source for row in parse_feed(RSS, source="My feed").rows} == {"My feed"}


@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "", "html"),
        (b"\n<html><head/></html>", "text/xml", "html"),
        (b"<!-- x --><HTML></HTML>", "", "html"),
        (RSS, "text/html; charset=utf-8", "html"),
        (b"", "application/rss+xml", "empty"),
        (b"{}", "application/json", "invalid_xml"),
        (b"<rss><channel>", "", "invalid_xml"),
        (b"<rss>\xff\xfe</rss>", "", "invalid_xml"),
        (b'<?xml version="1.0" encoding="klingon"?><rss/>', "", "invalid_xml"),
        (LAUGHS, "", "unsafe_xml"),
        (OUTSIDE, "", "unsafe_xml"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "", "no_feed"),
    ],
)
def test_what_is_no_feed_is_refused_with_its_reason(
    content: bytes, content_type: str, code: str
) -> None:
    with pytest.raises(FeedError) as caught:
        parse_feed(content, content_type=content_type)
    assert caught.value.code == code


def test_deeply_nested_xml_ends() -> None:
    deep = b"<rss>" + b"<a>" * 50_000 + b"</a>" * 50_000 + b"</rss>"
    assert parse_feed(deep).rows == ()
