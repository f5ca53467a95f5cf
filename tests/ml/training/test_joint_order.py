"""Joint batches: one task each, dealt out by size, every row in its turn."""

from __future__ import annotations

from collections import Counter

import pytest

from ml.training.joint_order import TaskOrder

SIZES = (64, 16, 5)
STARTS = (0, 64, 80)


def _order(sampling: float = 0.5, seed: int = 13) -> TaskOrder:
    lengths = [[3 + row % 7 for row in range(size)] for size in SIZES]
    return TaskOrder(lengths, batch_size=4, seed=seed, sampling=sampling)


def _batches(order: TaskOrder) -> list[list[int]]:
    rows = list(order)
    assert len(rows) == len(order)
    return [rows[start : start + 4] for start in range(0, len(rows), 4)]


def _task(row: int) -> int:
    return max(task for task, start in enumerate(STARTS) if row >= start)


def test_a_batch_is_of_one_task() -> None:
    for batch in _batches(_order()):
        assert len({_task(row) for row in batch}) == 1


@pytest.mark.parametrize(
    ("sampling", "expected"), [(1.0, [17, 4, 1]), (0.5, [12, 6, 3]), (0.0, [7, 7, 7])]
)
def test_tasks_are_dealt_out_by_a_power_of_their_rows(sampling: float, expected: list[int]) -> None:
    order = _order(sampling)
    found = Counter(_task(batch[0]) for batch in _batches(order))
    assert [found[task] for task in range(3)] == order.batches == expected


def test_each_row_of_a_task_has_its_turn_before_any_comes_again() -> None:
    order = _order(0.0)
    seen: list[int] = []
    for epoch in range(16):
        order.epoch = epoch
        seen += [row for batch in _batches(order) for row in batch if _task(row) == 0]
    assert set(Counter(seen).values()) == {len(seen) // SIZES[0]}


def test_the_order_follows_from_seed_and_epoch() -> None:
    order = _order()
    first = list(order)
    assert list(_order()) == first
    assert list(_order(seed=14)) != first
    order.epoch = 1
    assert list(order) != first
