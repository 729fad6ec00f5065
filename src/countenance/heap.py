"""The C library's heap, bounded: what big pictures took goes back to the system as soon as it is free.

glibc gives each thread an arena of its own, and raises the size from which memory is mapped (and so returned at once)
with every large block that is freed. Under load, arenas then keep what one large picture once needed, times threads.
"""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # malloc.h of glibc
MAPPED_FROM = 2**20
"""Bytes from which a block is mapped by itself: rows of pixels lie above it, nearly everything else below."""
ARENAS = 2


def bound_heap() -> bool:
    """Set it for this process; False where the C library has no such setting (musl, macOS)."""
    try:
        library = ctypes.CDLL(None)
    except OSError:
        return False
    if not hasattr(library, "gnu_get_libc_version"):  # other libraries number their settings otherwise
        return False
    mallopt = library.mallopt
    return bool(mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM)) and bool(mallopt(_M_ARENA_MAX, ARENAS))
