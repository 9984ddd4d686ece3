"""Times sums over workers in shared memory, fits latency and bandwidth, and compares the model with what was measured.

`python benchmarks/all_reduce.py [REPEATS]`; docs/scaling.md has the figures. The shortest of the repeats counts.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from typing import Any

import numpy as np

from powertrain.train.planning.scaling import Network
from powertrain.train.workers.processes import connected
from powertrain.train.workers.shared_memory import SharedMemory, new_memory
from powertrain.train.workers.worker import Partners

WORKERS = (2, 4, 8)  # as many as there are cores: more would wait for each other's time, not for messages
SIZES = (1 << 12, 1 << 16, 1 << 18, 1 << 20, 1 << 22)  # bytes


def shortest(size: int, count: int, repeats: int) -> float:
    """Seconds of an all-reduce of so many bytes by so many processes, as the first of them sees it."""
    memory, ends = new_memory(), connected(count)
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=sums, args=(rank, count, memory, ends, size, repeats)) for rank in range(1, count)]
    for one in others:
        one.start()
    found = sums(0, count, memory, ends, size, repeats)
    for one in others:
        one.join()
    os.close(memory)
    return min(found)


def sums(rank: int, count: int, memory: int, ends: Any, size: int, repeats: int) -> list[float]:
    transport = SharedMemory(rank, count, memory, ends[rank], Partners())
    array, took = np.ones(size // 4, np.float32), []
    for _ in range(repeats):
        began = time.perf_counter()
        transport.all_reduce([array])
        took.append(time.perf_counter() - began)
        array.fill(1.0)
    transport.close()
    return took[1:]  # the first one makes room


def main(repeats: int) -> None:
    counts = [count for count in WORKERS if count <= (os.cpu_count() or 1)]
    measured = [(count, size, shortest(size, count, repeats)) for count in counts for size in SIZES]
    network = Network.fitted(measured)
    print(f"latency {1e6 * network.latency:.1f} us, bandwidth {network.bandwidth / 1e9:.2f} GB/s")
    print("| workers | bytes | measured, ms | predicted, ms |\n| --- | --- | --- | --- |")
    for count, size, seconds in measured:
        predicted = 2 * network.halving(size, count)
        print(f"| {count} | {size:,} | {1e3 * seconds:.3f} | {1e3 * predicted:.3f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
