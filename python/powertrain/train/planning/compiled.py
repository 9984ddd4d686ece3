"""What compiled functions say of their programs."""

from __future__ import annotations

from typing import Any


def flops(compiled: Any) -> float:
    """Of the program that a compiled function used last; 0 of one that a backend runs."""
    return max((float(one.get("flops", 0.0)) for one in compiled.programs[:1]), default=0.0)


def arena_bytes(compiled: Any) -> int:
    """The memory of intermediate values, the same for each call."""
    return max((int(one.get("arena_bytes", 0)) for one in compiled.programs), default=0)
