"""One framework in its own process: reads requests, a line of JSON each, and answers each with a line.

    python -m race.worker "torch fused" [--threads N]

Started by race.field. Requests: make (a task), sample (for some seconds), roofline, finish.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import os
import re
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

from powertrain.cli.bench import bind
from powertrain.cli.bench.measure import Sampler
from race import op_calls
from race.tasks import is_generation, is_op, losses_of, prepare

PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>


class Racer:
    """Answers the requests of one framework."""

    def __init__(self, framework: str) -> None:
        name, _, self.variant = framework.partition(" ")
        self.peer = importlib.import_module(f"peers.{name}_steps")
        self.sampler: Sampler | None = None

    def make(self, task: str, steps: int, warm_up: float, slowest: float) -> dict[str, Any]:
        """Prepare a task and run its first steps, whose losses are told; an error if one takes over `slowest` s. A
        single op tells figures of its results instead."""
        self.sampler = None
        gc.collect()  # what the last task held
        self.sampler = Sampler(prepare(task, self.peer, self.variant), self.peer.wait)
        forget_preparation()
        if losses_of(task):
            self.sampler.warm_up(steps, warm_up, slowest)
        else:
            start = time.perf_counter()
            result = self.sampler.step()
            self.peer.wait(result)
            self.sampler.first_step_s = time.perf_counter() - start
            figures = op_calls.figures(result) if is_op(task) or is_generation(task) else []
            del result
            self.sampler.run_for(warm_up)
        return {
            "version": self.peer.VERSION,
            "first_step_s": self.sampler.first_step_s,
            "fastest_s": self.sampler.fastest_s if losses_of(task) else None,
            "losses": self.sampler.losses if losses_of(task) else figures,
        }

    def sample(self, seconds: float, settle: float) -> dict[str, Any]:
        """Milliseconds of samples, and the processor time that this process used for them."""
        assert self.sampler is not None
        self.sampler.run_for(settle)  # another process had the caches
        wall, processor = time.perf_counter(), time.process_time()
        samples = self.sampler.sample(seconds)
        return {
            "samples": samples,
            "wall": time.perf_counter() - wall,
            "processor": time.process_time() - processor,
        }

    def roofline(self, seconds: float) -> dict[str, Any]:
        from powertrain.cli.profile import measure_roofline

        found = measure_roofline(seconds)
        return {
            "threads": found.threads,
            "gflops": found.gflops,
            "memory_gbytes": found.memory_gbytes,
            "cache_gbytes": found.cache_gbytes,
        }

    def finish(self) -> dict[str, Any]:
        return {"peak_mib": peak_mib()}


def forget_preparation() -> None:
    """Peak memory is that of training, from the first step on: not of the arrays that weights were drawn in."""
    gc.collect()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):  # of glibc, which else keeps what was freed
            libc.malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the largest resident size begins anew


def peak_mib() -> float:
    """The largest resident size since then; on other systems that of the whole process."""
    if sys.platform == "linux":
        return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) / 2**10  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def die_with_parent() -> None:
    """A stopped process would outlive a race that was killed, and keep its memory."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("framework")
    parser.add_argument("--threads", type=int)
    arguments = parser.parse_args()
    die_with_parent()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a framework prints is no answer
    bind(arguments.threads)
    racer = Racer(arguments.framework)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(racer, request.pop("do"))(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
