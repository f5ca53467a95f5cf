"""Embeddings over HTTP: of our own server and of another one that serves the same encoder."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import psutil

from bench.door_traffic import IN_FLIGHT, SIZE, Measured
from bench.server import RunningServer

_PATIENCE = 300  # seconds for an answer, of a machine that has other work too
_ALIKE = 0.95  # cosine of two builds of one encoder, one of them with 8-bit weights


@dataclass(slots=True)
class Endpoint:
    """Where texts are sent to become vectors, and the process that answers.

    ``headers`` take turns, since a person's requests are limited; ``vectors`` reads an answer.
    """

    url: str
    body: Callable[[list[str]], dict[str, Any]]
    vectors: Callable[[Any], list[list[float]]]
    process: psutil.Process
    headers: list[dict[str, str]] = field(default_factory=lambda: [{}])

    def processor_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


def own_endpoint(server: RunningServer, tokens: list[str]) -> Endpoint:
    """``/api/v1/ml/embed/`` of a running server, asked by several people."""
    return Endpoint(
        url=f"{server.url}/api/v1/ml/embed/",
        body=lambda texts: {"texts": texts},
        vectors=lambda answer: answer["vectors"],
        process=_listener(server.port),
        headers=[{"Authorization": f"Token {token}"} for token in tokens],
    )


def peer_endpoint(url: str) -> Endpoint:
    """``/embeddings`` of infinity-emb, whose only model is asked."""
    with httpx.Client(timeout=30) as client:
        (model,) = client.get(f"{url}/models").raise_for_status().json()["data"]
    return Endpoint(
        url=f"{url}/embeddings",
        body=lambda texts: {"model": model["id"], "input": texts},
        vectors=lambda answer: [row["embedding"] for row in answer["data"]],
        process=_listener(urlsplit(url).port or 80),
    )


async def over_http(endpoint: Endpoint, seconds: float, given: Iterator[list[str]]) -> Measured:
    """``IN_FLIGHT`` requests under way for so long, after a second to warm up."""
    turns = itertools.cycle(endpoint.headers)
    limits = httpx.Limits(max_connections=IN_FLIGHT, max_keepalive_connections=IN_FLIGHT)
    ends = time.perf_counter() + 1

    async with httpx.AsyncClient(limits=limits, timeout=_PATIENCE) as client:

        async def one() -> int:
            done = 0
            while time.perf_counter() < ends:
                body = endpoint.body(next(given))
                try:
                    answer = await client.post(endpoint.url, json=body, headers=next(turns))
                except (httpx.ReadError, httpx.RemoteProtocolError):
                    continue  # the server closed a connection that a slow machine left idle
                answer.raise_for_status()
                done += SIZE
            return done

        await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
        spent = endpoint.processor_seconds()
        began, ends = time.perf_counter(), time.perf_counter() + seconds
        texts = sum(await asyncio.gather(*(one() for _ in range(IN_FLIGHT))))
        rate = texts / (time.perf_counter() - began)
        spent = endpoint.processor_seconds() - spent
    return Measured(rate, 1000 * spent * SIZE / texts)


def least_cosine(first: Endpoint, second: Endpoint, texts: list[str]) -> float:
    """How far both make the same vectors of ``texts``; raises when they are not one encoder's."""
    found = []
    with httpx.Client(timeout=_PATIENCE) as client:
        for endpoint in (first, second):
            body, headers = endpoint.body(texts), endpoint.headers[0]
            answer = client.post(endpoint.url, json=body, headers=headers).raise_for_status()
            vectors = np.array(endpoint.vectors(answer.json()))
            found.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    least = float((found[0] * found[1]).sum(axis=1).min())
    if least < _ALIKE:
        raise RuntimeError(f"{second.url} serves another encoder: a cosine is {least:.3f}")
    return least


def _listener(port: int) -> psutil.Process:
    """The process that listens on a port of this machine."""
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port and one.pid:
            return psutil.Process(one.pid)
    raise RuntimeError(f"no process of ours listens on port {port}")
