"""Process-wide runtime settings that must be decided once, before a numeric library starts."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """How much of the machine one process may use.

    ``intra_op_threads`` is the number of threads in which ONNX Runtime computes one batch;
    ``workers`` the number of batches computed at once. Their product should not exceed the cores.
    """

    intra_op_threads: int = 1
    workers: int = 2


def available_cores() -> int:
    """Cores this process may run on (respects CPU affinity), at least 1."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on Linux
        return max(1, os.cpu_count() or 1)


def default_settings() -> RuntimeSettings:
    """One thread a batch and a batch a core, up to four: the best throughput for short texts."""
    return RuntimeSettings(intra_op_threads=1, workers=min(4, available_cores()))
