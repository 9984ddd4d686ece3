"""What this machine can do at most, measured: the line that a kernel's rate is held against."""

from __future__ import annotations

from dataclasses import dataclass

from powertrain import _core


@dataclass(frozen=True)
class Roofline:
    """Rates of all threads together. A copy counts the bytes that it reads and those that it writes.

    Units    gflops: 1e9 float32 multiplications and additions a second; the others: 1e9 bytes a second
    """

    threads: int
    gflops: float
    memory_gbytes: float
    cache_gbytes: float

    def least_seconds(self, flops: float, nbytes: float, threads: int) -> float:
        """How long such work takes at best on so many of the threads, if its data come from memory."""
        share = threads / self.threads
        return max(flops / (self.gflops * share), nbytes / self.memory_gbytes) * 1e-9

    def sentence(self) -> str:
        return (
            f"measured now with {self.threads} {'thread' if self.threads == 1 else 'threads'} ({_core.isa()}): "
            f"{self.gflops:.4g} GF/s of multiply-adds, {self.memory_gbytes:.3g} GB/s of copy in memory, "
            f"{self.cache_gbytes:.3g} GB/s in cache"
        )


def measure_roofline(seconds: float = 1.5) -> Roofline:
    """Measure for so many seconds, with the threads that kernels use.

    Example
        >>> from powertrain.cli.profile import measure_roofline
        >>> measure_roofline(0.01).gflops > 0
        True
    """
    flops, memory, cache = _core.measure_roofline(seconds)
    return Roofline(_core.get_threads(), flops * 1e-9, memory * 1e-9, cache * 1e-9)
