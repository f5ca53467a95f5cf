from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from apps.core.fetching import Fetcher, FetchError, is_public

PUBLIC, OTHER = "93.184.216.34", "151.101.1.140"
Handler = Callable[[httpx.Request], httpx.Response]


def fetcher(handler: Handler | None = None, *addresses: str, **options: Any) -> Fetcher:
    """A fetcher over a network of functions; every host has ``addresses``."""

    def nothing(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"{request.url} must not be asked")

    options.setdefault("resolver", lambda host, port: list(addresses or (PUBLIC,)))
    return Fetcher(transport=httpx.MockTransport(handler or nothing), **options)


def refused(fetch: Fetcher, url: str) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch.fetch(url)
    return caught.value


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "10.0.0.7",
        "172.16.4.4",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.251",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.8",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::5",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.1.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "not an address",
    ],
)
def test_addresses_that_lead_inside_are_not_fetched(address: str) -> None:
    assert not is_public(address)
    error = refused(fetcher(None, address), "https://news.example/feed")
    assert error.code == "address_refused"
    assert "news.example" in str(error)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946", "8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    assert refused(fetcher(None, PUBLIC, "10.0.0.1"), "http://a.example/").code == "address_refused"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]:8000/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://localhost/",
        "http://127.1/",
    ],
)
def test_every_spelling_of_this_machine_is_refused_by_the_real_resolver(url: str) -> None:
    blocked = Fetcher(transport=httpx.MockTransport(lambda request: httpx.Response(200)))
    assert refused(blocked, url).code in ("address_refused", "unknown_host", "invalid_url")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://news.example/feed", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
        ("news.example/feed", "invalid_url"),
        ("http:///feed", "invalid_url"),
        ("http://user:secret@news.example/", "invalid_url"),
        ("http://news.example:99999/", "invalid_url"),
    ],
)
def test_other_addresses_than_web_addresses_are_refused(url: str, code: str) -> None:
    assert refused(fetcher(), url).code == code


def test_the_connection_goes_to_the_checked_ip_and_names_the_host() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(
            200, stream=httpx.ByteStream(b"<rss/>"), headers={"Content-Type": "text/xml"}
        )

    fetched = fetcher(answer).fetch("https://news.example:8443/feed?x=1#top")
    assert fetched.content == b"<rss/>"
    assert (fetched.url, fetched.content_type) == (
        "https://news.example:8443/feed?x=1#top",
        "text/xml",
    )
    assert str(seen[0].url) == f"https://{PUBLIC}:8443/feed?x=1"
    assert seen[0].headers["Host"] == "news.example:8443"
    assert seen[0].extensions["sni_hostname"] == "news.example"


def test_a_name_is_resolved_once_per_request_so_it_cannot_turn_into_another() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    one = fetcher(
        lambda request: httpx.Response(200, stream=httpx.ByteStream(b"ok")),
        resolver=lambda host, port: next(answers),
    )
    assert one.fetch("http://rebinding.example/").content == b"ok"


def test_a_redirect_is_resolved_and_checked_anew() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": "/again"})

    rebinding = fetcher(redirect, resolver=lambda host, port: next(answers))
    assert refused(rebinding, "http://rebinding.example/").code == "address_refused"
    assert asked == [f"http://{PUBLIC}/"]


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.1/admin", "address_refused"),
        ("http://10.0.0.5/", "address_refused"),
        ("http://[::ffff:169.254.169.254]/latest/", "address_refused"),
        ("ftp://news.example/", "invalid_url"),
        ("file:///etc/passwd", "invalid_url"),
    ],
)
def test_a_redirect_that_leads_inside_is_not_followed(location: str, code: str) -> None:
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Host"])
        return httpx.Response(301, headers={"Location": location})

    def resolver(host: str, port: int) -> list[str]:
        return [PUBLIC] if host == "news.example" else [host]

    assert refused(fetcher(redirect, resolver=resolver), "http://news.example/").code == code
    assert asked == ["news.example"]


def test_safe_redirects_are_followed_to_their_end() -> None:
    def hop(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/end":
            return httpx.Response(200, stream=httpx.ByteStream(b"there"))
        return httpx.Response(308, headers={"Location": "https://other.example/end"})

    fetched = fetcher(hop).fetch("http://news.example/start")
    assert (fetched.url, fetched.content) == ("https://other.example/end", b"there")


def test_redirects_in_circles_end() -> None:
    circle = fetcher(lambda request: httpx.Response(302, headers={"Location": "/"}))
    assert refused(circle, "http://news.example/").code == "too_many_redirects"


def test_validators_are_sent_and_a_304_means_not_modified() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["If-None-Match"] == '"a1"'
        assert request.headers["If-Modified-Since"] == "Fri, 30 Jan 2026 18:00:00 GMT"
        return httpx.Response(304)

    fetched = fetcher(answer).fetch(
        "http://news.example/", etag='"a1"', last_modified="Fri, 30 Jan 2026 18:00:00 GMT"
    )
    assert fetched.not_modified
    assert fetched.content == b""


def test_validators_of_the_answer_are_kept() -> None:
    headers = {"ETag": '"b2"', "Last-Modified": "Fri, 30 Jan 2026 19:00:00 GMT"}
    fetched = fetcher(
        lambda request: httpx.Response(200, stream=httpx.ByteStream(b""), headers=headers)
    ).fetch("http://news.example/")
    assert (fetched.etag, fetched.last_modified) == ('"b2"', "Fri, 30 Jan 2026 19:00:00 GMT")


@pytest.mark.parametrize("status", [204, 401, 404, 500, 503])
def test_other_answers_are_errors(status: int) -> None:
    error = refused(fetcher(lambda request: httpx.Response(status)), "http://news.example/")
    assert (error.code, str(status) in str(error)) == ("http_status", True)


class Endless(httpx.AsyncByteStream):
    """A body without an end, and without a length; ``pause`` seconds between its pieces."""

    def __init__(self, piece: bytes, pause: float = 0.0) -> None:
        self._piece = piece
        self._pause = pause
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(self._pause)
            self.sent += len(self._piece)
            yield self._piece


def test_a_body_is_not_read_beyond_the_bound() -> None:
    body = Endless(b"x" * 100_000)
    endless = fetcher(lambda request: httpx.Response(200, stream=body), max_bytes=1_000_000)
    assert refused(endless, "http://news.example/").code == "too_large"
    assert body.sent <= 1_200_000


def test_a_declared_size_beyond_the_bound_is_refused_unread() -> None:
    body = Endless(b"x")
    large = fetcher(
        lambda request: httpx.Response(200, stream=body, headers={"Content-Length": "52428800"})
    )
    error = refused(large, "http://news.example/")
    assert (error.code, str(error)) == ("too_large", "Larger than 5 MB.")
    assert body.sent == 0


def test_a_packed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(200 * 1024 * 1024))
    packed = fetcher(
        lambda request: httpx.Response(
            200, stream=httpx.ByteStream(bomb), headers={"Content-Encoding": "gzip"}
        )
    )
    assert refused(packed, "http://news.example/").code == "too_large"


def test_a_packed_answer_is_unpacked_and_a_damaged_one_refused() -> None:
    def packed(content: bytes, encoding: str = "gzip") -> Fetcher:
        return fetcher(
            lambda request: httpx.Response(
                200, stream=httpx.ByteStream(content), headers={"Content-Encoding": encoding}
            )
        )

    assert packed(gzip.compress(b"news")).fetch("http://news.example/").content == b"news"
    assert refused(packed(b"no gzip"), "http://news.example/").code == "encoding"
    assert refused(packed(b"?", "br"), "http://news.example/").code == "encoding"


def test_a_body_that_drips_is_given_up() -> None:
    drip = Endless(b"x", pause=0.02)
    slow = fetcher(lambda request: httpx.Response(200, stream=drip), total_seconds=0.2)
    assert refused(slow, "http://news.example/").code == "timeout"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (httpx.ReadTimeout("slow"), "timeout"),
        (httpx.ConnectTimeout("slow"), "timeout"),
        (httpx.ConnectError("closed"), "unreachable"),
        (httpx.RemoteProtocolError("garbage"), "unreachable"),
    ],
)
def test_failures_of_the_network_have_a_code(failure: Exception, code: str) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise failure

    assert refused(fetcher(fail), "http://news.example/").code == code


def test_an_unknown_host_is_told() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    assert refused(fetcher(None, resolver=unknown), "http://no.example/").code == "unknown_host"


def test_the_next_address_is_tried_when_the_first_is_closed() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == PUBLIC:
            raise httpx.ConnectError("closed")
        return httpx.Response(200, stream=httpx.ByteStream(b"second"))

    assert fetcher(answer, PUBLIC, OTHER).fetch("http://news.example/").content == b"second"


def test_a_trusted_host_may_be_private_but_its_redirects_may_not() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/out":
            return httpx.Response(302, headers={"Location": "http://127.0.0.1:9/"})
        return httpx.Response(200, stream=httpx.ByteStream(b"inside"))

    trusting = fetcher(
        answer,
        resolver=lambda host, port: ["127.0.0.1"],
        allowed_hosts=frozenset({"intranet.example:8080"}),
    )
    assert trusting.fetch("http://intranet.example:8080/").content == b"inside"
    for url in ("http://intranet.example/", "http://intranet.example:8080/out"):
        assert refused(trusting, url).code == "address_refused"
