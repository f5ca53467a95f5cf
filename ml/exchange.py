"""Two folders change places at once, so that whoever looks sees the one or the other."""

from __future__ import annotations

import ctypes
import errno
import os
from functools import cache
from pathlib import Path
from typing import Any

_HERE = -100  # AT_FDCWD: names are told from the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE, see renameat2(2)
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exchange(first: Path, second: Path) -> bool:
    """Let two paths of one file system change names in one step, as only Linux can.

    Returns whether they did: ``False`` where the system or the file system knows no such step, and
    nothing was changed. Raises ``OSError``, above all when either is not there.
    """
    rename = _rename()
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNABLE:
        return False
    raise OSError(code, os.strerror(code), str(first), None, str(second))


@cache
def _rename() -> Any:
    """``renameat2`` of the C library; ``None`` where it has none."""
    library = ctypes.CDLL(None, use_errno=True)
    return getattr(library, "renameat2", None)
