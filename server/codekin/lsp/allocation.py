"""Bounds the free memory that the C library keeps for later: a server lives for days.

glibc raises its own limits as large arrays are freed: after a matrix block of 8 MB it keeps up to 16 MB at the end of
each heap, and puts the next blocks into heaps, where a small array above them keeps them from being returned. It has
up to 8 heaps for each processor, and every thread of ours came to use another one.
"""

import contextlib
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MAX_HEAPS = -1, -3, -8  # mallopt's numbers of these limits (malloc.h)

_RETURNED_BYTES = 4 << 20  # of free memory at the end of a heap, or of one array; less is kept, to be used again
_HEAPS = 2  # the interpreter's lock lets hardly more than one thread allocate at a time


def limit_free_memory() -> None:
    """Make glibc keep less free memory from now on: 4 MiB a heap, two heaps; does nothing with another C library.

    Call it before any thread is started.
    """
    if sys.platform != "linux":
        return
    import ctypes

    with contextlib.suppress(OSError, AttributeError):  # musl has no such limits
        set_limit = ctypes.CDLL(None).mallopt
        for limit, value in (
            (_TRIM_THRESHOLD, _RETURNED_BYTES),
            (_MMAP_THRESHOLD, _RETURNED_BYTES),
            (_MAX_HEAPS, _HEAPS),
        ):
            set_limit(limit, value)
