"""Fetches addresses that a person or a feed gave us, or posts to them, without reaching inside.

An address is refused unless every IP that its host resolves to is public. The connection then goes
to exactly those IPs (the name is not resolved a second time, so it cannot turn into another one in
between), and each redirect is checked anew. Size and time are bounded.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from asgiref.sync import async_to_sync

from ml.wording import Wording

MAX_BYTES = 5 * 1024 * 1024
MAX_REDIRECTS = 5
TOTAL_SECONDS = 20.0
_TIMEOUT = httpx.Timeout(8.0, connect=5.0)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})
_PIECE = 64 * 1024
_TRIED_ADDRESSES = 3

Resolver = Callable[[str, int], list[str]]


class FetchError(Exception):
    """The address could not be fetched; ``code`` is stable, ``words`` are for a person.

    ``retry_after`` are the seconds for which the server asked not to be asked again, 0 if it did
    not say.
    """

    def __init__(self, code: str, words: Wording, retry_after: float = 0.0) -> None:
        super().__init__(words)
        self.code = code
        self.words = words
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. ``not_modified`` means that the copy with the given validators is still good."""

    url: str
    status: int
    content: bytes = b""
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    not_modified: bool = False


def resolve(host: str, port: int) -> list[str]:
    """The IPs of ``host``; raises ``OSError`` when there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Fetcher:
    """How to fetch: bounds, and the hosts (``host`` or ``host:port``) trusted though not public.

    ``resolver`` returns the IPs of a host as texts; ``transport`` replaces the network in tests.
    """

    max_bytes: int = MAX_BYTES
    max_redirects: int = MAX_REDIRECTS
    total_seconds: float = TOTAL_SECONDS
    allowed_hosts: frozenset[str] = frozenset()
    user_agent: str = "Trefoil"
    resolver: Resolver = resolve
    transport: httpx.AsyncBaseTransport | None = None

    def fetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """Like :meth:`afetch`, blocking; for workers and commands."""
        return async_to_sync(self.afetch)(url, etag=etag, last_modified=last_modified)

    async def afetch(self, url: str, *, etag: str = "", last_modified: str = "") -> Fetched:
        """GET ``url``, conditionally when validators are given, following safe redirects.

        Raises :class:`FetchError`, at the latest after ``total_seconds``.
        """
        validators = {"If-None-Match": etag, "If-Modified-Since": last_modified}
        headers = {name: value for name, value in validators.items() if value}
        headers["User-Agent"] = self.user_agent
        try:
            async with (
                asyncio.timeout(self.total_seconds),
                httpx.AsyncClient(
                    timeout=_TIMEOUT, transport=self.transport, trust_env=False
                ) as client,
            ):
                return await self._follow(client, url, headers)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failure(error) from error

    async def apost(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> int:
        """POST ``content`` to ``url``; returns the status of the answer, whatever it is.

        No redirect is followed and the body of the answer is not read. Raises
        :class:`FetchError`, at the latest after ``total_seconds``.
        """
        sent = {**headers, "User-Agent": self.user_agent}
        try:
            async with (
                asyncio.timeout(self.total_seconds),
                httpx.AsyncClient(
                    timeout=_TIMEOUT, transport=self.transport, trust_env=False
                ) as client,
            ):
                target = await self._checked(url)
                async with _opened(client, target, sent, content=content) as response:
                    return response.status_code
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failure(error) from error

    async def acall(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Fetched:
        """POST ``content`` to ``url`` and read what it answers; no redirect is followed.

        Raises :class:`FetchError` (``busy`` for an answer that another try may better), at the
        latest after ``total_seconds``.
        """
        sent = {**headers, "User-Agent": self.user_agent}
        try:
            async with (
                asyncio.timeout(self.total_seconds),
                httpx.AsyncClient(
                    timeout=_TIMEOUT, transport=self.transport, trust_env=False
                ) as client,
            ):
                target = await self._checked(url)
                async with _opened(client, target, sent, content=content) as response:
                    if response.status_code == 429 or response.status_code >= 500:
                        raise FetchError("busy", _answered(response.status_code))
                    return await self._read(url, response)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise _failure(error) from error

    def check(self, url: str) -> None:
        """Raise :class:`FetchError` for an address that would be refused now."""
        async_to_sync(self._checked)(url)

    async def _follow(
        self, client: httpx.AsyncClient, url: str, headers: dict[str, str]
    ) -> Fetched:
        for _ in range(self.max_redirects + 1):
            target = await self._checked(url)
            async with _opened(client, target, headers) as response:
                if response.status_code not in _REDIRECTS:
                    return await self._read(url, response)
                url = str(target.url.join(response.headers.get("Location", "")))
        words = Wording("More than %(most)s redirects.", most=self.max_redirects)
        raise FetchError("too_many_redirects", words)

    async def _checked(self, url: str) -> _Target:
        """The address with the IPs to connect to; refused when it may lead inside."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise FetchError("invalid_url", Wording("This is no valid address.")) from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            words = Wording("Only http and https addresses are fetched.")
            raise FetchError("invalid_url", words)
        if parsed.userinfo:
            words = Wording("An address with a user name is not fetched.")
            raise FetchError("invalid_url", words)
        host, port = parsed.host, parsed.port or (443 if parsed.scheme == "https" else 80)
        if not 0 < port < 65_536:
            raise FetchError("invalid_url", Wording("The address has no valid port."))
        try:
            addresses = await asyncio.to_thread(self.resolver, host, port)
        except (OSError, UnicodeError) as error:
            words = Wording("The host %(host)s is not known.", host=host)
            raise FetchError("unknown_host", words) from error
        trusted = not self.allowed_hosts.isdisjoint({host, f"{host}:{port}"})
        if not trusted and not all(is_public(address) for address in addresses):
            words = Wording("%(host)s leads to a private address and is not fetched.", host=host)
            raise FetchError("address_refused", words)
        return _Target(parsed, host, tuple(addresses[:_TRIED_ADDRESSES]))

    async def _read(self, url: str, response: httpx.Response) -> Fetched:
        if response.status_code == 304:
            return Fetched(url, 304, not_modified=True)
        if response.status_code != 200:
            raise FetchError(
                "http_status",
                _answered(response.status_code),
                _retry_after(response.headers.get("Retry-After", "")),
            )
        limit = f"{self.max_bytes / 1024**2:.3g}"
        too_large = FetchError("too_large", Wording("Larger than %(limit)s MB.", limit=limit))
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            raise too_large
        content = bytearray()
        async for piece in _plain(response):
            content += piece
            if len(content) > self.max_bytes:
                raise too_large
        return Fetched(
            url=url,
            status=200,
            content=bytes(content),
            content_type=response.headers.get("Content-Type", "")[:200],
            etag=response.headers.get("ETag", "")[:300],
            last_modified=response.headers.get("Last-Modified", "")[:80],
        )


@dataclass(frozen=True, slots=True)
class _Target:
    """An address and the checked IPs of its host."""

    url: httpx.URL
    host: str
    addresses: tuple[str, ...]


def _answered(status: int) -> Wording:
    return Wording("The server answered %(status)s.", status=status)


def _retry_after(value: str) -> float:
    """Seconds from now until what the header says: seconds, or an HTTP date (RFC 9110, 10.2.3)."""
    if value.isdecimal():
        return float(value[:9])
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    if until.tzinfo is None:  # "-0000" says that the zone is not known; HTTP dates are in UTC
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _failure(error: Exception) -> FetchError:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return FetchError("timeout", Wording("The server did not answer in time."))
    kind = type(error).__name__
    words = Wording("The server could not be reached (%(kind)s).", kind=kind)
    return FetchError("unreachable", words)


@asynccontextmanager
async def _opened(
    client: httpx.AsyncClient,
    target: _Target,
    headers: dict[str, str],
    *,
    content: bytes | None = None,
) -> AsyncIterator[httpx.Response]:
    """Connect to the first IP that answers, naming the host (in TLS as well)."""
    failure: httpx.TransportError | None = None
    for address in target.addresses:
        request = client.build_request(
            "GET" if content is None else "POST",
            target.url.copy_with(host=address, fragment=None),
            # A packed answer may grow a thousandfold; asked so, most servers send it plain.
            headers={
                **headers,
                "Host": target.url.netloc.decode("ascii"),
                "Accept-Encoding": "identity",
            },
            content=content,
            extensions={"sni_hostname": target.host},
        )
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
            continue
        try:
            yield response
        finally:
            await response.aclose()
        return
    words = Wording("The host %(host)s has no address.", host=target.host)
    raise failure or FetchError("unknown_host", words)


async def _plain(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body in small pieces, unpacked when the server packed it all the same."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in _PACKED:
        unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, as the header says
        async for raw in response.aiter_raw(_PIECE):
            rest = raw
            while rest:
                try:
                    yield unpacker.decompress(rest, _PIECE)
                except zlib.error as error:
                    words = Wording("The packed answer is damaged.")
                    raise FetchError("encoding", words) from error
                rest = unpacker.unconsumed_tail
    elif encoding in ("", "identity"):
        async for raw in response.aiter_raw(_PIECE):
            yield raw
    else:
        words = Wording("The answer is packed as %(encoding)r.", encoding=encoding[:20])
        raise FetchError("encoding", words)


def is_public(address: str) -> bool:
    """Whether an IP belongs to the public internet; an IPv6 form of an IPv4 counts as that."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or _nat64(ip)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _nat64(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside a NAT64 one (RFC 6052)."""
    if ip in ipaddress.IPv6Network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return None
