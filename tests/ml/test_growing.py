"""Arrays that grow at their end."""

from __future__ import annotations

import numpy as np

from ml.growing import GrowingArray


def test_rows_are_added_behind_what_was_given_before():
    held = GrowingArray(3, room=10)
    first = held.put(slice(0, 4), np.ones((4, 3), np.float32))
    second = held.put(np.array([4, 6]), np.full((2, 3), 2, np.float32))
    assert first.shape == (4, 3)
    assert second[:, 0].tolist() == [1, 1, 1, 1, 2, 0, 2]
    assert second.base is first.base
    assert len(held) == 7


def test_more_than_there_is_room_for_leaves_what_was_given_as_it_was():
    held = GrowingArray(2)
    first = held.put(slice(0, 3), np.arange(6, dtype=np.float32).reshape(3, 2))
    grown = held.extend(1000)
    grown[0] = 7
    assert first.tolist() == [[0, 1], [2, 3], [4, 5]]
    assert grown[1:3].tolist() == [[2, 3], [4, 5]]
    assert not grown[3:].any()
    assert len(held.extend(5)) == 1000
