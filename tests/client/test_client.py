"""The client against the real application: both doors, refusals, cancelled and lost calls."""

from __future__ import annotations

import asyncio

import pytest

from apps.accounts.models import User
from ml.serving.fakes import FakeEngine
from tests.conftest import until
from trefoil_client import (
    Classification,
    Client,
    ConnectionLost,
    Door,
    Embedding,
    MultiLabel,
    PersonalData,
    Tagging,
    TrefoilError,
)

CARD = "where is my card"


def test_every_kind_of_answer_over_http(url: str, token: str) -> None:
    with Client(url, token) as client:
        answer = client.predict("intent", [CARD, "my transfer"])
        assert answer.version == "fake-1"
        assert [one.label for one in answer.predictions if isinstance(one, Classification)] == [
            "card_arrival",
            "transfer_not_received_by_recipient",
        ]
        assert isinstance(client.predict("ner", ["Ann in Rome"]).predictions[0], Tagging)
        assert isinstance(client.predict("pii", ["a@example.com"]).predictions[0], PersonalData)
        assert isinstance(client.predict("toxicity", ["you idiot"]).predictions[0], MultiLabel)
        embedded = client.embed(["a card", "a card", "a card " * 1_001])
        vectors = embedded.vectors
        assert vectors[0] == vectors[1]
        assert len(vectors[0]) == 384
        assert embedded.truncated == (False, False, True)
        (long,) = client.predict("encoder", ["a card " * 1_001]).predictions
        assert isinstance(long, Embedding)
        assert long.truncated
        assert not answer.predictions[0].truncated
        explained = client.explain("intent", CARD)
        assert max(explained["pieces"], key=lambda one: one["score"])["text"] == "card"


def test_a_search_finds_the_text_that_was_meant(url: str, token: str) -> None:
    texts = ["Fees of cash machines", "", "A new card arrives within a week.", "Exchange rates"]
    with Client(url, token) as client:
        found = client.search("when does my new card arrive", texts, k=2)
    assert found.hits[0].index == 2
    assert found.hits[0].passage == texts[2]
    assert len(found.hits) == 2


def test_refusals_over_http_have_their_code(url: str, token: str) -> None:
    with Client(url, token) as client:
        for call, code in (
            (lambda: client.predict("nothing", [CARD]), "model_not_found"),
            (lambda: client.predict("intent@fake-2", [CARD]), "invalid_input"),
            (lambda: client.embed([CARD], task="intent"), "invalid_input"),
            (lambda: client.search("card", ["long text. " * 1800] * 256), "invalid_input"),
        ):
            with pytest.raises(TrefoilError) as refused:
                call()
            assert refused.value.code == code
    with Client(url, "wrong") as stranger, pytest.raises(TrefoilError) as refused:
        stranger.predict("intent", [CARD])
    assert refused.value.status == 401


async def test_many_requests_on_one_socket(url: str, token: str) -> None:
    async with Door.open(url, token) as door:
        assert door.tasks["intent"] == "fake-1"
        tasks = ("intent", "ner", "toxicity", "encoder", "pii")
        calls = [(task, [f"{CARD} {n}"] * (1 + n % 3)) for n in range(40) for task in tasks]
        answers = await asyncio.gather(*(door.predict(*call) for call in calls))
    for (task, texts), answer in zip(calls, answers, strict=True):
        assert answer.task == task
        assert len(answer.predictions) == len(texts)
    kinds = [type(answer.predictions[0]) for answer in answers[:5]]
    assert kinds == [Classification, Tagging, MultiLabel, Embedding, PersonalData]


async def test_more_than_may_be_under_way_waits(url: str, token: str, engine: FakeEngine) -> None:
    async with Door.open(url, token) as door:
        number = door.limits["requests"] + 50
        engine.gate.hold()
        calls = [asyncio.create_task(door.predict("intent", [f"card {n}"])) for n in range(number)]
        await asyncio.sleep(0.3)
        engine.gate.release()
        answers = await asyncio.gather(*calls)
    assert len(answers) == number


async def test_a_long_request_is_streamed_by_one_version(
    url: str, token: str, engine: FakeEngine
) -> None:
    texts = [f"card {number}" for number in range(200)]
    async with Door.open(url, token) as door:
        parts = []
        async for part in door.stream("intent", texts):
            parts.append(part)
            engine.models.promote("intent", "fake-2")
        assert [part.offset for part in parts] == list(range(0, 200, 32))
        assert sum(len(part.predictions) for part in parts) == 200
        assert {part.version for part in parts} == {"fake-1"}
        assert (await door.predict("intent", texts)).version == "fake-2"


async def test_refusals_on_the_socket_leave_it_open(url: str, token: str) -> None:
    async with Door.open(url, token) as door:
        with pytest.raises(TrefoilError, match="no model is active"):
            await door.predict("nothing", [CARD])
        with pytest.raises(TrefoilError, match=r"texts\[1\] has 20,001"):
            await door.predict("intent", [CARD, "x" * 20_001])
        with pytest.raises(TrefoilError, match="0 texts"):
            await door.predict("intent", [])
        with pytest.raises(TrefoilError, match="larger than"):
            await door.predict("intent", ["x" * 19_000] * 60)
        assert (await door.predict("intent", [CARD])).version == "fake-1"


async def test_a_cancelled_call_leaves_the_queue(url: str, token: str, engine: FakeEngine) -> None:
    async with Door.open(url, token) as door:
        engine.gate.hold()
        first = asyncio.create_task(door.predict("intent", ["card"]))
        await asyncio.to_thread(engine.gate.wait_until_held)
        second = asyncio.create_task(door.predict("intent", ["another card"]))
        await until(lambda: engine.stats().queued > 0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        await until(lambda: engine.stats().queued == 0)
        engine.gate.release()
        assert (await first).version == "fake-1"
    computed = [text for _, texts in engine.gate.batches for text in texts]
    assert "another card" not in computed


async def test_a_refused_token_and_a_server_that_is_not_there(url: str, member: User) -> None:
    with pytest.raises(TrefoilError) as refused:
        async with Door.open(url, "wrong"):
            pass
    assert refused.value.code == "token_invalid"
    with pytest.raises(ConnectionLost):
        async with Door.open("http://127.0.0.1:9", "any"):
            pass
