"""An array of rows that grows at its end without being copied each time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ml.types import FloatArray

_SPARE = 64


class GrowingArray:
    """Rows of ``width`` numbers, with room for an eighth more (which takes no memory until then).

    What :attr:`array` gave stays valid: rows that are added later lie behind it. Rows that are
    replaced are replaced in it, too, so that a reckoning under way may see either of them. One
    thread at a time may write.
    """

    def __init__(self, width: int, *, room: int = 0) -> None:
        self._length = 0
        self._buffer = np.zeros((_with_spare(room), width), dtype=np.float32)

    def __len__(self) -> int:
        return self._length

    @property
    def array(self) -> FloatArray:
        """The rows, shape (rows, width), as a view."""
        return self._buffer[: self._length]

    def put(self, at: NDArray[np.int64] | slice, rows: FloatArray) -> FloatArray:
        """Set the rows at these places, shape (places, width), and return them all; those between
        the end and these places, if any, are zero."""
        self.extend(at.stop if isinstance(at, slice) else int(at.max(initial=-1)) + 1)
        self._buffer[at] = rows
        return self.array

    def extend(self, total: int) -> FloatArray:
        """Add rows of zeros up to ``total``; returns all rows."""
        if total > len(self._buffer):
            buffer = np.zeros((_with_spare(total), self._buffer.shape[1]), dtype=np.float32)
            buffer[: self._length] = self.array
            self._buffer = buffer
        self._length = max(self._length, total)
        return self.array


def _with_spare(rows: int) -> int:
    return rows + max(_SPARE, rows // 8)
