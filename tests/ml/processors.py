"""Processors that a test does not run on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from ml import processor

EXACT = 64_770  # 2 * 255 * 127
IN_16_BITS = 32_767


@contextmanager
def processor_that(*, overflows: bool) -> Iterator[None]:
    """As on one whose sums of two 8-bit products overflow, as without VNNI, or do not."""
    computed = IN_16_BITS if overflows else EXACT
    processor.saturates.cache_clear()
    try:
        with patch.object(processor, "largest_pair", lambda: computed):
            yield
    finally:
        processor.saturates.cache_clear()
