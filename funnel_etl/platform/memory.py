"""Memory that a night is done with goes back to the system. glibc and Arrow keep it otherwise, in pieces none can use.

Nothing here changes a result. Where there is no glibc, only Arrow's part is done.
"""

import ctypes
from typing import Any

import pyarrow as pa

LARGE = 1 << 20
"""Bytes from which on an array has memory of its own, that goes back when it does; 2^18 would cost 5 % of a night."""
_M_MMAP_THRESHOLD = -3
_LIBC: Any = ctypes.CDLL(None)


def keep_little() -> None:
    """Let what is large go back to the system as soon as it is freed; for the rest of the process."""
    pa.set_memory_pool(pa.system_memory_pool())
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_MMAP_THRESHOLD, LARGE)


def give_back() -> None:
    """Hand the system what is free: small pieces, which `keep_little` leaves."""
    if hasattr(_LIBC, "malloc_trim"):
        _LIBC.malloc_trim(0)
