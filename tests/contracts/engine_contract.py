"""What every inference engine must do; each engine's tests inherit this suite.

A subclass gives the fixture ``harness``. Its engine serves the task ``task`` (any kind) with the
queue capacity and cache that are asked for, has one worker, and computes behind a ``gate``
(:class:`ml.serving.fakes.GatedModels`); ``promote`` activates another version of the task.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import numpy as np
import pytest

from ml.errors import (
    DeadlineExceeded,
    EngineClosed,
    InferenceError,
    MLError,
    ModelNotFound,
    Overloaded,
)
from ml.serving.engine import LocalEngine
from ml.serving.fakes import GatedModels
from ml.types import Classification, Prediction, Tagging

PATIENCE = 30.0  # seconds after which a test that hangs fails


@dataclass
class Harness:
    engine: LocalEngine
    gate: GatedModels
    task: str
    promote: Callable[[], str]


MakeHarness = Callable[..., Harness]


def same(left: Prediction, right: Prediction) -> bool:
    """Whether two predictions say the same, up to the rounding of another batch shape."""
    if isinstance(left, Classification) and isinstance(right, Classification):
        scores = {scored.label: scored.score for scored in right.scores}
        return left.version == right.version and all(
            scored.score == pytest.approx(scores[scored.label], abs=1e-4) for scored in left.scores
        )
    if isinstance(left, Tagging) and isinstance(right, Tagging):
        return left == right
    return bool(np.allclose(left.vector, right.vector, atol=1e-5))  # type: ignore[union-attr]


class EngineContract:
    """Inherit and define ``make_harness(*, capacity=2048, cache_size=0) -> Harness``."""

    @pytest.fixture
    def harness(self, make_harness: MakeHarness) -> Iterator[Harness]:
        yield from self._closed_after(make_harness())

    @pytest.fixture
    def small(self, make_harness: MakeHarness) -> Iterator[Harness]:
        """A harness whose queue takes four texts."""
        yield from self._closed_after(make_harness(capacity=4))

    @pytest.fixture
    def cached(self, make_harness: MakeHarness) -> Iterator[Harness]:
        yield from self._closed_after(make_harness(cache_size=100))

    @staticmethod
    def _closed_after(harness: Harness) -> Iterator[Harness]:
        yield harness
        harness.gate.release()
        harness.engine.close(drain=PATIENCE)

    @staticmethod
    def _texts(n: int) -> list[str]:
        return [f"text number {i} of the bank" + " and more" * (i % 7) for i in range(n)]

    @staticmethod
    def _occupy(harness: Harness) -> Future[Prediction]:
        """Hold the worker in a batch of its own."""
        harness.gate.hold()
        (future,) = harness.engine.submit(harness.task, ["the text that occupies the worker"])
        assert harness.gate.wait_until_held(PATIENCE)
        return future

    def test_results_come_in_the_order_of_the_texts(self, harness: Harness) -> None:
        texts = self._texts(100)
        together = harness.engine.predict(harness.task, texts)
        singly = [harness.engine.predict(harness.task, [text])[0] for text in texts]
        assert len(together) == 100
        assert all(map(same, together, singly))

    def test_futures_come_in_the_order_of_the_texts(self, harness: Harness) -> None:
        texts = self._texts(20)
        futures = harness.engine.submit(harness.task, texts)
        expected = harness.engine.predict(harness.task, texts)
        assert all(map(same, [future.result(PATIENCE) for future in futures], expected))

    def test_no_texts_give_no_results(self, harness: Harness) -> None:
        assert harness.engine.predict(harness.task, []) == []
        assert harness.engine.submit(harness.task, []) == []
        assert asyncio.run(harness.engine.apredict(harness.task, [])) == []

    @pytest.mark.parametrize("text", ["", "   ", "\ud800", "?", "x" * 100_000, "a b " * 25_000])
    def test_any_string_has_a_result(self, harness: Harness, text: str) -> None:
        assert len(harness.engine.predict(harness.task, [text, "an ordinary text"])) == 2

    @pytest.mark.parametrize("texts", ["one string", [None], [b"bytes"], [1]])
    def test_other_things_than_strings_are_refused(self, harness: Harness, texts: object) -> None:
        with pytest.raises(TypeError, match="sequence of strings"):
            harness.engine.predict(harness.task, texts)  # type: ignore[arg-type]

    @pytest.mark.parametrize("task", ["unknown", "", "../etc", "a/b"])
    def test_an_unknown_task_is_refused(self, harness: Harness, task: str) -> None:
        with pytest.raises(ModelNotFound):
            harness.engine.submit(task, ["a text"])

    def test_a_full_queue_refuses_all_texts_of_a_call(self, small: Harness) -> None:
        occupying = self._occupy(small)
        queued = small.engine.submit(small.task, ["a", "b", "c"])
        with pytest.raises(Overloaded):
            small.engine.submit(small.task, ["d", "e"])
        assert small.engine.stats().queued == 3
        queued += small.engine.submit(small.task, ["f"])
        small.gate.release()
        done, _ = wait([occupying, *queued], PATIENCE)
        assert all(future.exception() is None for future in done)
        assert len(done) == 5
        assert small.engine.stats().tasks[small.task].refused == 2
        assert small.engine.predict(small.task, ["room again"])

    def test_equal_texts_share_one_place_and_one_computation(self, small: Harness) -> None:
        self._occupy(small)
        futures = small.engine.submit(small.task, ["the same"] * 10)
        futures += small.engine.submit(small.task, ["the same"])
        assert small.engine.stats().queued == 1
        small.gate.release()
        results = [future.result(PATIENCE) for future in futures]
        assert all(same(results[0], result) for result in results)
        computed = [text for _, texts in small.gate.batches for text in texts]
        assert computed.count("the same") == 1
        assert small.engine.stats().tasks[small.task].coalesced == 10

    def test_a_deadline_ends_the_wait_in_the_queue_while_the_worker_is_busy(
        self, harness: Harness
    ) -> None:
        occupying = self._occupy(harness)
        patient = harness.engine.submit(harness.task, ["patient"])[0]
        hasty = harness.engine.submit(harness.task, ["hasty"], timeout=0.01)[0]
        with pytest.raises(DeadlineExceeded):
            hasty.result(PATIENCE)
        assert not occupying.done()
        harness.gate.release()
        assert patient.result(PATIENCE)
        assert all("hasty" not in texts for _, texts in harness.gate.batches)
        assert harness.engine.stats().tasks[harness.task].expired == 1

    def test_a_deadline_spares_those_who_wait_longer_for_the_same_text(
        self, harness: Harness
    ) -> None:
        self._occupy(harness)
        patient = harness.engine.submit(harness.task, ["shared"])[0]
        hasty = harness.engine.submit(harness.task, ["shared"], timeout=0.01)[0]
        assert isinstance(hasty.exception(PATIENCE), DeadlineExceeded)
        harness.gate.release()
        assert patient.result(PATIENCE)

    def test_a_deadline_does_not_bound_the_computation(self, harness: Harness) -> None:
        harness.gate.hold()
        future = harness.engine.submit(harness.task, ["begun in time"], timeout=PATIENCE / 2)[0]
        assert harness.gate.wait_until_held(PATIENCE)
        assert harness.engine.stats().running == 1
        harness.gate.release()
        assert future.result(PATIENCE)

    def test_a_cancelled_future_is_not_computed_and_frees_its_place(self, small: Harness) -> None:
        self._occupy(small)
        futures = small.engine.submit(small.task, ["a", "b", "c", "d"])
        assert futures[0].cancel()
        assert futures[1].cancel()
        assert small.engine.stats().queued == 2
        more = small.engine.submit(small.task, ["e", "f"])
        small.gate.release()
        wait([*futures[2:], *more], PATIENCE)
        computed = {text for _, texts in small.gate.batches for text in texts}
        assert computed.isdisjoint({"a", "b"})
        assert {"c", "d", "e", "f"} <= computed
        with pytest.raises(CancelledError):
            futures[0].result(0)

    def test_texts_behind_a_call_that_is_being_cancelled_are_computed(
        self, harness: Harness
    ) -> None:
        self._occupy(harness)
        (cancelled,) = harness.engine.submit(harness.task, ["nobody wants it"])
        futures = harness.engine.submit(harness.task, self._texts(20))
        Future.cancel(cancelled)  # the moment before it leaves the queue
        harness.gate.release()
        _, waiting = wait(futures, PATIENCE)
        assert not waiting
        assert harness.engine.stats().queued == 0

    def test_a_future_that_is_being_computed_cannot_be_cancelled(self, harness: Harness) -> None:
        future = self._occupy(harness)
        assert not future.cancel()
        harness.gate.release()
        assert future.result(PATIENCE)

    def test_a_bad_text_fails_alone(self, harness: Harness) -> None:
        self._occupy(harness)
        harness.gate.fail_on("poison")
        futures = harness.engine.submit(harness.task, ["good", "poison", "fine"])
        harness.gate.release()
        wait(futures, PATIENCE)
        assert [type(future.exception()) for future in futures] == [
            type(None),
            InferenceError,
            type(None),
        ]
        assert harness.engine.stats().tasks[harness.task].failures == 1
        with pytest.raises(InferenceError):
            harness.engine.predict(harness.task, ["good", "poison"])

    def test_a_failure_reaches_everybody_and_the_engine_goes_on(self, harness: Harness) -> None:
        harness.gate.fail_on("")
        futures = harness.engine.submit(harness.task, self._texts(40))
        done, pending = wait(futures, PATIENCE)
        assert not pending
        assert all(isinstance(future.exception(), InferenceError) for future in done)
        harness.gate.fail_on()
        assert harness.engine.predict(harness.task, ["well again"])

    def test_a_failure_is_not_cached(self, cached: Harness) -> None:
        cached.gate.fail_on("")
        with pytest.raises(InferenceError):
            cached.engine.predict(cached.task, ["a text"])
        cached.gate.fail_on()
        assert cached.engine.predict(cached.task, ["a text"])

    def test_a_cached_text_is_answered_at_once(self, cached: Harness) -> None:
        (first,) = cached.engine.predict(cached.task, ["a text"])
        self._occupy(cached)
        (future,) = cached.engine.submit(cached.task, ["a text"])
        assert future.done()
        assert same(future.result(), first)
        assert cached.engine.stats().tasks[cached.task].cache_hits == 1

    def test_a_promoted_version_answers_from_the_next_call(self, cached: Harness) -> None:
        (before,) = cached.engine.predict(cached.task, ["a text"])
        version = cached.promote()
        (after,) = cached.engine.predict(cached.task, ["a text"])
        assert before.version != version
        assert after.version == version

    def test_versions_swap_under_traffic_without_loss(self, cached: Harness) -> None:
        started = threading.Barrier(5)

        def ask(worker: int) -> list[Prediction]:
            started.wait(PATIENCE)
            answers: list[Prediction] = []
            for turn in range(20):
                answers += cached.engine.predict(cached.task, [f"text {worker} {turn}", "common"])
            return answers

        with ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(ask, worker) for worker in range(4)]
            started.wait(PATIENCE)
            version = cached.promote()
            answers = [answer for call in calls for answer in call.result(PATIENCE)]
        assert len(answers) == 160
        assert len({answer.version for answer in answers}) <= 2
        assert cached.engine.predict(cached.task, ["common"])[0].version == version

    def test_many_threads_all_get_their_own_answers(self, harness: Harness) -> None:
        texts = self._texts(40)
        expected = harness.engine.predict(harness.task, texts)

        def ask(start: int) -> bool:
            mine = texts[start : start + 10]
            answers = harness.engine.predict(harness.task, mine)
            return all(map(same, answers, expected[start : start + 10]))

        with ThreadPoolExecutor(16) as pool:
            assert all(pool.map(ask, [i % 30 for i in range(160)]))
        stats = harness.engine.stats()
        assert (stats.queued, stats.running) == (0, 0)

    async def test_awaiting_gives_what_blocking_gives(self, harness: Harness) -> None:
        texts = self._texts(30)
        calls = [harness.engine.apredict(harness.task, texts[i : i + 10]) for i in (0, 10, 20)]
        answers = [answer for call in await asyncio.gather(*calls) for answer in call]
        assert all(map(same, answers, harness.engine.predict(harness.task, texts)))

    async def test_awaiting_leaves_the_loop_free(self, harness: Harness) -> None:
        harness.gate.hold()
        call = asyncio.create_task(harness.engine.apredict(harness.task, ["slow"]))
        await asyncio.to_thread(harness.gate.wait_until_held, PATIENCE)
        assert not call.done()
        harness.gate.release()
        assert len(await call) == 1

    async def test_errors_reach_who_awaits(self, harness: Harness) -> None:
        harness.gate.fail_on("poison")
        with pytest.raises(InferenceError):
            await harness.engine.apredict(harness.task, ["good", "poison"])
        with pytest.raises(ModelNotFound):
            await harness.engine.apredict("unknown", ["good"])
        await asyncio.to_thread(self._occupy, harness)
        with pytest.raises(DeadlineExceeded):
            await harness.engine.apredict(harness.task, ["late"], timeout=0.01)

    async def test_cancelling_an_awaited_call_cancels_its_texts(self, small: Harness) -> None:
        await asyncio.to_thread(self._occupy, small)
        call = asyncio.create_task(small.engine.apredict(small.task, ["a", "b", "c", "d"]))
        await asyncio.sleep(0)  # the call begins
        assert small.engine.stats().queued == 4
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert small.engine.stats().queued == 0
        assert small.engine.stats().tasks[small.task].cancelled == 4

    def test_closing_finishes_what_is_queued(self, harness: Harness) -> None:
        self._occupy(harness)
        futures = harness.engine.submit(harness.task, self._texts(50))
        closing = threading.Thread(target=harness.engine.close, kwargs={"drain": PATIENCE})
        closing.start()
        harness.gate.release()
        closing.join(PATIENCE)
        assert all(future.done() and future.exception() is None for future in futures)

    def test_closing_fails_what_does_not_finish_in_time(self, harness: Harness) -> None:
        running = self._occupy(harness)
        queued = harness.engine.submit(harness.task, ["a", "b"])
        harness.engine.close(drain=0.01)
        for future in [running, *queued]:
            assert isinstance(future.exception(PATIENCE), EngineClosed)

    def test_a_closed_engine_refuses(self, harness: Harness) -> None:
        harness.engine.close()
        harness.engine.close()
        with pytest.raises(EngineClosed):
            harness.engine.submit(harness.task, ["late"])
        with pytest.raises(EngineClosed):
            asyncio.run(harness.engine.apredict(harness.task, ["late"]))

    def test_every_future_ends_whatever_happens(self, small: Harness) -> None:
        """Submitting, cancelling, failing and expiring at random, then closing."""
        rng = np.random.default_rng(7)
        small.gate.fail_on("poison")
        futures: list[Future[Prediction]] = []
        for turn in range(300):
            text = ("poison " if turn % 5 == 0 else "") + str(rng.integers(0, 50))
            try:
                futures += small.engine.submit(
                    small.task, [text], timeout=0.001 if turn % 7 == 0 else None
                )
            except Overloaded:
                continue
            if turn % 3 == 0:
                futures[-1].cancel()
        small.engine.close(drain=PATIENCE)
        assert all(future.done() for future in futures)
        errors = {type(f.exception()) for f in futures if not f.cancelled() and f.exception()}
        assert all(issubclass(error, MLError) for error in errors)

    def test_tasks_are_described(self, harness: Harness) -> None:
        infos = {info.task: info for info in harness.engine.tasks()}
        assert list(infos) == sorted(infos)
        harness.engine.warm()
        harness.engine.warm([harness.task])
        (answer,) = harness.engine.predict(harness.task, ["a text"])
        assert infos[harness.task].version == answer.version
        with pytest.raises(ModelNotFound):
            harness.engine.warm(["unknown"])

    def test_what_happened_is_counted(self, harness: Harness) -> None:
        harness.engine.predict(harness.task, self._texts(10))
        stats = harness.engine.stats().tasks[harness.task]
        assert stats.requests == 10
        assert stats.batches >= 1
        assert 1 <= stats.mean_batch_size <= 10
        assert 0 < stats.latency_p50 <= stats.latency_p95 <= stats.latency_p99
