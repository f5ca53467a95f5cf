"""Windows over long sentences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ml.data.word_windows import cut_windows, kept_words

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=200)


@given(SIZES, st.integers(1, 64), st.integers(0, 64))
def test_every_word_is_answered_for_exactly_once(sizes, capacity, overlap):
    windows = cut_windows(sizes, capacity=capacity, overlap=overlap)
    kept = kept_words(windows)
    assert [word for part in kept for word in part] == list(range(len(sizes)))
    for window, part in zip(windows, kept, strict=True):
        assert window.start <= part.start <= part.stop <= window.stop


@given(SIZES, st.integers(1, 64), st.integers(0, 64))
def test_windows_fit_unless_one_word_does_not(sizes, capacity, overlap):
    for window in cut_windows(sizes, capacity=capacity, overlap=overlap):
        assert (
            sum(sizes[i] for i in window) <= capacity
            or len(window) == 1
            or all(sizes[i] == 0 for i in window[1:])
        )


def test_neighbours_overlap():
    windows = cut_windows([1] * 20, capacity=8, overlap=4)
    assert windows == [range(0, 8), range(4, 12), range(8, 16), range(12, 20)]
    assert kept_words(windows) == [range(0, 6), range(6, 10), range(10, 14), range(14, 20)]


def test_nothing_has_no_windows():
    assert cut_windows([], capacity=8, overlap=2) == []
    assert kept_words([]) == []
