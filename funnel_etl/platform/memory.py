"""Memory that a night is done with goes back to the system. glibc and Arrow keep it otherwise, in pieces none can use.

Nothing here changes a result. Where there is no glibc, only Arrow's part is done.
"""

import ctypes
import mmap
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

LARGE = 1 << 23
"""Bytes from which on an array has memory of its own, that goes back when it does. To have it anew costs 0.5 s a GB."""
MUCH = 850 << 20
"""Bytes that a process may hold before it hands back what is free in it: that need not be had anew."""
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_LIBC: Any = ctypes.CDLL(None)


def keep_little() -> None:
    """Let what is large go back to the system as soon as it is freed; for the rest of the process."""
    pa.set_memory_pool(pa.system_memory_pool())
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, LARGE)
        _LIBC.mallopt(_M_ARENA_MAX, 1)  # what one thread frees another may have, without asking the system


def give_back() -> None:
    """Hand the system what is free, which `keep_little` leaves, where the process holds much."""
    if hasattr(_LIBC, "malloc_trim") and _held() > MUCH:
        _LIBC.malloc_trim(0)


def _held() -> int:
    """Return how many bytes of memory this process holds; 0 where the system does not say."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE
    return 0
