"""The state of the caches: how fast a core writes lines that another core has read.

Each step does that to half of its activations and weights. Rented machines move between two states within minutes:
their cores share a last cache, or each has its own. Figures of one state say nothing about the other one.
"""

from __future__ import annotations

import ctypes
import os
import statistics
import time

SHARED, APART, CHANGED = "shared", "apart", "changed"
# Between what was seen: 8 to 9 GB/s apart, 43 shared.
SHARED_GBYTES = 20.0
BYTES = 256 << 10  # fits the second cache of a core
LINE = 64
TRIES = 40


def written_gbytes() -> float | None:
    """GB/s at which the first core writes lines that the last one has read: the median of some tries, a few
    milliseconds. None where there is one core, or a thread cannot choose its core."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        return None
    libc = ctypes.CDLL(None)
    libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
    libc.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    memory = [ctypes.create_string_buffer(BYTES + LINE) for _ in range(2)]
    ours, copy = (ctypes.addressof(one) + LINE - 1 & -LINE for one in memory)
    seconds = []
    try:
        # One thread on both cores in turn: two threads would have to wait for each other within what is timed.
        for value in range(TRIES):
            os.sched_setaffinity(0, {min(cores)})
            start = time.perf_counter()
            libc.memset(ours, value, BYTES)
            seconds.append(time.perf_counter() - start)
            os.sched_setaffinity(0, {max(cores)})
            libc.memcpy(copy, ours, BYTES)
    finally:
        os.sched_setaffinity(0, cores)
    return BYTES / statistics.median(seconds[1:]) * 1e-9  # nobody had read before the first


def state_of(gbytes: float | None) -> str:
    """The state in which such a rate is seen; nothing where it is unknown."""
    if gbytes is None:
        return ""
    return SHARED if gbytes >= SHARED_GBYTES else APART


def state_between(before: str, after: str) -> str:
    """Of work that was done between two looks."""
    return before if before == after else CHANGED


def now() -> str:
    return state_of(written_gbytes())
