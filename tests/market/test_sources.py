from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from email.utils import formatdate
from zoneinfo import available_timezones

import httpx
import pytest
from django.utils import timezone
from django.utils.html import escape

from apps.accounts.models import User
from apps.core.errors import Conflict, InvalidInput, NotAllowed
from apps.core.fetching import Fetcher
from apps.market.known_feeds import KNOWN_FEEDS
from apps.market.models import Article, Source
from apps.market.services import sources
from apps.market.services.source_settings import source_update
from apps.market.services.sources import (
    INTERVALS,
    feed_create,
    feed_pause,
    feed_poll,
    feeds_poll_due,
)
from tests.conftest import ClientFor
from tests.market.test_feeds import LAUGHS, RSS

pytestmark = pytest.mark.django_db(transaction=True)

Network = Callable[[Callable[[httpx.Request], httpx.Response]], None]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """``network(handler)``: every public host answers with ``handler``."""

    def replace(handler: Callable[[httpx.Request], httpx.Response]) -> None:
        def resolver(host: str, port: int) -> list[str]:
            return [host] if host[0].isdigit() else ["93.184.216.34"]

        fetcher = Fetcher(transport=httpx.MockTransport(handler), resolver=resolver)
        monkeypatch.setattr(sources, "fetcher", lambda: fetcher)

    return replace


def answer(content: bytes, **headers: str) -> httpx.Response:
    return httpx.Response(200, stream=httpx.ByteStream(content), headers=headers)


@pytest.fixture
def feed(analyst: User) -> Source:
    return feed_create(actor=analyst, url="https://w.example/feed.xml", name="Test feed")


def test_a_feed_is_polled_and_its_articles_stored_once(feed: Source, network: Network) -> None:
    network(lambda request: answer(RSS, ETag='"v1"'))
    assert feed_poll(source=feed) == {"created": 2, "updated": 0, "unchanged": 0, "refused": 1}
    assert (feed.state, feed.etag, feed.error_code) == ("healthy", '"v1"', "entries_refused")
    assert feed_poll(source=feed)["unchanged"] == 2
    assert set(Article.objects.values_list("source", flat=True)) == {feed.pk}


def test_an_unchanged_feed_costs_one_conditional_request(feed: Source, network: Network) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.headers.get("If-None-Match") == '"v1"':
            return httpx.Response(304)
        return answer(RSS, ETag='"v1"')

    network(handler)
    feed_poll(source=feed)
    assert feed_poll(source=feed)["created"] == 0
    feed.refresh_from_db()
    assert (feed.state, feed.etag) == ("healthy", '"v1"')


def redirect(location: str) -> httpx.Response:
    return httpx.Response(302, headers={"Location": location})


@pytest.mark.parametrize(
    ("handler", "code"),
    [
        (lambda request: answer(b"<html>Sign in</html>"), "html"),
        (lambda request: answer(LAUGHS), "unsafe_xml"),
        (lambda request: answer(b"<rss><channel>"), "invalid_xml"),
        (lambda request: answer(b"x" * (6 * 1024 * 1024)), "too_large"),
        (lambda request: answer(b"<rss>", **{"Content-Length": f"{50 << 20}"}), "too_large"),
        (lambda request: redirect("http://127.0.0.1:8000/admin/"), "address_refused"),
        (lambda request: redirect("http://192.168.0.1/"), "address_refused"),
        (lambda request: redirect("http://10.0.0.5/feed.xml"), "address_refused"),
        (lambda request: redirect("/"), "too_many_redirects"),
        (lambda request: httpx.Response(500), "http_status"),
    ],
)
def test_a_bad_feed_has_a_clear_state_and_stores_nothing(
    feed: Source,
    network: Network,
    handler: Callable[[httpx.Request], httpx.Response],
    code: str,
    analyst: User,
    client_for: ClientFor,
) -> None:
    network(handler)
    feed_poll(source=feed)
    feed.refresh_from_db()
    assert (feed.state, feed.error_code) == ("failing", code)
    assert not Article.objects.exists()
    page = client_for(analyst).get("/market/sources/").content.decode()
    assert f"{escape(feed.error)} <code>{code}</code>" in page
    assert "Failing" in page


def test_what_went_wrong_is_told_in_the_language_of_the_page(
    feed: Source, network: Network, analyst: User, client_for: ClientFor
) -> None:
    client = client_for(analyst)

    def told(language: str, where: str = "/market/sources/") -> str:
        return client.get(where, headers={"accept-language": language}).content.decode()

    network(lambda request: httpx.Response(500))
    feed_poll(source=feed)
    assert "The server answered 500." in told("en")
    assert "服务器返回 500。" in told("zh-CN")
    assert "服务器返回 500。" in told("zh-CN", "/api/v1/market/sources/")
    network(lambda request: answer(RSS))
    feed_poll(source=feed)
    assert re.search(r"entry \d: &#x27;title&#x27; is empty", told("en"))
    assert re.search(r"第 \d 条：&#x27;title&#x27; 为空", told("zh-CN"))
    Source.objects.update(error="Kept in English before.", error_parts=[])
    assert "Kept in English before." in told("zh-CN")


def test_a_feed_of_50_megabytes_is_not_read_to_its_end(feed: Source, network: Network) -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while read < 50 << 20:
            read += 1 << 16
            yield b"x" * (1 << 16)

    network(lambda request: httpx.Response(200, stream=_Stream(endless())))
    feed_poll(source=feed)
    assert (feed.state, feed.error_code) == ("failing", "too_large")
    assert read < 6 << 20


class _Stream(httpx.AsyncByteStream):
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            yield part


def test_a_clock_in_the_future_shows_at_its_source(
    feed: Source, network: Network, analyst: User, client_for: ClientFor
) -> None:
    entry = "<item><title>Halvern gains</title><pubDate>Sat, 01 Jan 2050 00:00:00 GMT</pubDate>"
    document = f"<rss><channel><title>F</title>{entry}</item></channel></rss>"
    network(lambda request: answer(document.encode()))
    before = timezone.now()
    feed_poll(source=feed)
    assert feed.state == "healthy"
    assert before <= Article.objects.get().published_at <= timezone.now()
    client = client_for(analyst)
    page = client.get("/market/sources/").content.decode()
    assert "1 article of the last 24 hours was dated in the future" in page
    told = client.get("/api/v1/market/sources/").json()["results"]
    assert [source["clock_ahead"] for source in told] == [1]


def test_the_same_article_a_thousand_times_in_a_feed_is_one(
    feed: Source, network: Network, analyst: User, client_for: ClientFor
) -> None:
    entry = "<item><title>Halvern gains</title><guid>one</guid></item>"
    document = f"<rss><channel><title>F</title>{entry * 1000}</channel></rss>"
    network(lambda request: answer(document.encode()))
    assert feed_poll(source=feed) == {"created": 1, "updated": 0, "unchanged": 999, "refused": 0}
    page = client_for(analyst).get("/market/sources/").content.decode()
    assert "1 article" in page
    assert "Healthy" in page


def test_a_private_feed_is_refused_without_a_connection(analyst: User) -> None:
    source = feed_create(actor=analyst, url="http://127.0.0.1:8000/feed.xml")
    feed_poll(source=source)
    assert source.error_code == "address_refused"


def test_a_failing_feed_is_asked_less_and_less_and_recovers(feed: Source, network: Network) -> None:
    network(lambda request: httpx.Response(500))
    pauses = []
    for _ in range(9):
        feed_poll(source=feed)
        pauses.append(pause(feed))
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=600)
    assert pauses[-1] == timedelta(hours=6)
    network(lambda request: answer(RSS))
    feed_poll(source=feed)
    assert (feed.state, feed.failures, feed.next_poll_at) == (
        "healthy",
        0,
        feed.polled_at + timedelta(seconds=300),
    )


def test_a_feed_of_once_a_day_is_not_asked_more_often_because_it_fails(
    feed: Source, network: Network, analyst: User
) -> None:
    source_update(actor=analyst, source=feed, interval_seconds=86_400)
    network(lambda request: httpx.Response(500))
    for _ in range(3):
        feed_poll(source=feed)
    assert pause(feed) == timedelta(days=1)


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ("7200", 7_200, 7_200),
        ("", 7_100, 7_200),  # the date in two hours
        ("60", 600, 600),  # sooner than it would be asked anyway
        ("in a while", 600, 600),
        ("999999999", 86_400, 86_400),
    ],
)
def test_a_server_says_for_how_long_it_is_not_to_be_asked(
    feed: Source, network: Network, said: str, low: int, high: int
) -> None:
    header = said or formatdate(time.time() + 7_200, usegmt=True)
    network(lambda request: httpx.Response(429, headers={"Retry-After": header}))
    feed_poll(source=feed)
    assert low <= pause(feed).total_seconds() <= high


def test_a_changed_interval_counts_from_the_last_poll(
    feed: Source, network: Network, analyst: User
) -> None:
    network(lambda request: answer(RSS))
    source_update(actor=analyst, source=feed, interval_seconds=86_400)
    feed_poll(source=feed)
    assert pause(feed) == timedelta(days=1)
    source_update(actor=analyst, source=feed, interval_seconds=60)
    feed.refresh_from_db()
    assert pause(feed) == timedelta(seconds=60)
    feed_pause(actor=analyst, source=feed, paused=True)
    source_update(actor=analyst, source=feed, interval_seconds=120)
    assert feed.next_poll_at is None


def pause(feed: Source) -> timedelta:
    assert feed.next_poll_at is not None
    assert feed.polled_at is not None
    return feed.next_poll_at - feed.polled_at


def test_only_due_feeds_are_polled(feed: Source, network: Network, analyst: User) -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Host"])
        return answer(RSS)

    network(handler)
    paused = feed_create(actor=analyst, url="https://paused.example/feed.xml")
    feed_pause(actor=analyst, source=paused, paused=True)
    assert feeds_poll_due() == 1
    assert feeds_poll_due() == 0
    assert asked == ["w.example"]
    Source.objects.filter(id=feed.pk).update(next_poll_at=timezone.now())
    feed_pause(actor=analyst, source=paused, paused=False)
    assert feeds_poll_due() == 2


@pytest.mark.parametrize("url", ["", "no address", "ftp://w.example/", "file:///etc/passwd"])
def test_only_web_addresses_become_feeds(analyst: User, url: str) -> None:
    with pytest.raises(InvalidInput):
        feed_create(actor=analyst, url=url)


def test_a_feed_is_added_once(feed: Source, analyst: User) -> None:
    with pytest.raises(Conflict):
        feed_create(actor=analyst, url=feed.url)
    with pytest.raises(Conflict):
        feed_create(actor=analyst, url="https://other.example/", name=feed.name)


def test_only_analysts_manage_feeds(member: User, feed: Source) -> None:
    with pytest.raises(NotAllowed):
        feed_create(actor=member, url="https://v.example/feed.xml")
    with pytest.raises(NotAllowed):
        feed_pause(actor=member, source=feed, paused=True)


def test_a_public_feed_is_followed_with_one_click(
    analyst: User, member: User, client_for: ClientFor, network: Network
) -> None:
    network(lambda request: answer(RSS))
    client, first, second = client_for(analyst), *KNOWN_FEEDS[:2]
    page = client.get("/market/sources/").content.decode()
    assert all(f'value="{feed.url}"' in page for feed in KNOWN_FEEDS)
    client.post("/market/sources/known/", {"url": first.url})
    followed = Source.objects.get()
    assert (followed.name, followed.licence, followed.interval_seconds, followed.state) == (
        first.name,
        first.licence,
        first.interval_seconds,
        "healthy",
    )
    assert Article.objects.filter(source=followed).count() == 2
    assert f'value="{first.url}"' not in client.get("/market/sources/").content.decode()
    again = client.post("/market/sources/known/", {"url": first.url})
    assert (again.status_code, Source.objects.count()) == (409, 1)

    path = "/api/v1/market/sources/known/"
    assert client.get(path).json()["results"][0]["url"] == second.url
    made = client.post(path, {"url": second.url}, content_type="application/json")
    assert (made.status_code, made.json()["licence"]) == (201, second.licence)
    unknown = client.post(path, {"url": "https://w.example/"}, content_type="application/json")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert client_for(member).post(path, {"url": first.url}).status_code == 403
    assert client_for(member).post("/market/sources/known/", {"url": first.url}).status_code == 403


def test_known_feeds_have_usable_settings() -> None:
    for feed in KNOWN_FEEDS:
        assert feed.url.startswith("https://")
        assert feed.time_zone in available_timezones()
        assert INTERVALS[0] <= feed.interval_seconds <= INTERVALS[1]
        assert 0 < len(feed.licence) <= 200
