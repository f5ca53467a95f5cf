"""What a run's process may take of the machine's memory."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ml.wording import Wording

_STATM = Path("/proc/self/statm")
_LOOK_SECONDS = 0.25


def resident_bytes() -> int:
    """The memory that this process has now; where the system does not tell, the most it had."""
    try:
        return int(_STATM.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def watch_memory(megabytes: int, exceeded: Callable[[Wording], None]) -> None:
    """Call ``exceeded`` with words, once and from a thread, when the process has more than that.

    Memory is looked at and not refused: a refusal would end the process somewhere within a
    library, without a reason that anybody understands.
    """

    def look() -> None:
        while (now := resident_bytes()) <= megabytes * 1_000_000:
            time.sleep(_LOOK_SECONDS)
        exceeded(
            Wording(
                "the run took %(taken)s MB of memory, %(allowed)s are allowed; lower batch_size "
                "or max_length, or raise MODEL_RUN_MEMORY_MB",
                taken=f"{now / 1e6:,.0f}",
                allowed=f"{megabytes:,}",
            )
        )

    threading.Thread(target=look, daemon=True).start()
