"""What a server process asks of its interpreter.

Customers wait for the event loop, which shares the interpreter's lock with the threads that read
the database and prepare the models' batches.
"""

from __future__ import annotations

import gc
import sys

_SWITCH_SECONDS = 0.0005
"""How long a thread that computes may keep the event loop waiting; the interpreter's own is 5 ms,
which is as long as the models need for a message."""

_YOUNG_OBJECTS = 10_000
"""A collection of the youngest begins when so many more objects were made than were freed."""


def settle() -> None:
    """Let the event loop run soon after it asks to, and spare it the search of all that is loaded.

    What is in memory now (code, settings, models) stays for good: it is taken out of the garbage
    collector's sight (:func:`gc.freeze`), whose full collections stop every thread for as long as
    they look at it.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
