"""The processes that race, and their turns."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from powertrain.cli.bench.arrays import find
from powertrain.cli.bench.losses import compare_losses
from race import caches, machine, op_calls, op_cases, tasks
from race.figures import Entry, Result, Turn

FOLDER = Path(__file__).parent.parent
# Keeps freed memory, as an engine with an arena does by nature; without it PyTorch and JAX lose up to a third to page
# faults where activations have some MB. On the smallest workloads it only adds noise, so they run without.
KEEP = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}
WITHOUT_KEEP = ("train mlp_tiny ", "train mlp_mnist ")
NEEDS = {
    "jax": ("jax", "optax"), "torch": ("torch",), "mlx": ("mlx.core",), "numpy": ("numpy",), "powertrain": (),
    "transformers": ("torch", "transformers"), "onnxruntime": ("onnx", "onnxruntime"),
    "llamacpp": ("llama_cpp", "gguf"),
}  # fmt: skip
# Shares of the largest score: in bf16 frameworks round between layers in different places.
SCORES_AGREE = {"f32": 1e-4, "bf16": 0.1}
HOPELESS = 4.0  # a peer so many times slower than the best cannot become it: it takes one turn only
# One that is so many times slower than another in its first steps does not take part; nor one whose step takes minutes.
OUT_OF_SIGHT, LEAST_SECONDS, OUT_OF_SIGHT_SECONDS = 20.0, 1.0, 120.0
SPARE_MIB = 1024.0


@dataclass(frozen=True)
class Pace:
    """How long things take."""

    rounds: int
    seconds: float  # of samples in a turn
    steps: int  # whose losses are compared
    warm_up: float
    settle: float  # untimed steps at the start of a turn
    limit: float  # seconds for one answer


FULL = Pace(rounds=7, seconds=0.6, steps=10, warm_up=1.0, settle=0.1, limit=240.0)
QUICK = Pace(rounds=3, seconds=0.25, steps=4, warm_up=0.2, settle=0.02, limit=180.0)


class Failed(Exception):  # noqa: N818 - it is what a worker says
    """What a worker could not do, in its words."""


def installed(framework: str) -> bool:
    def found(module: str) -> bool:
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:
            return False

    return all(found(module) for module in NEEDS[framework.split()[0]])


class Worker:
    """A framework in a process of its own, stopped while it is not asked anything."""

    def __init__(self, framework: str, threads: int | None, environment: Mapping[str, str], python: str) -> None:
        paths = [str(FOLDER), os.environ.get("PYTHONPATH", "")]
        joined = os.pathsep.join(path for path in paths if path)
        command = [python, "-m", "race.worker", framework, *(["--threads", str(threads)] if threads else [])]
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            env={**os.environ, **environment, "PYTHONPATH": joined},
            bufsize=0,
        )

    def ask(self, limit: float, **request: Any) -> dict[str, Any]:
        """Its answer; Failed with its own words, or after `limit` seconds."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self._signal(signal.SIGCONT)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
        answer = self._line(time.monotonic() + limit)
        if answer is None:
            self.close()
            raise Failed(f"took longer than {limit:.0f} s")
        if not answer.endswith(b"\n"):
            raise Failed(self._last_words())
        self._signal(signal.SIGSTOP)
        found: dict[str, Any] = json.loads(answer)
        if "error" in found:
            raise Failed(found["error"])
        return found

    def _line(self, until: float) -> bytes | None:
        """Up to the end of a line, or of the stream; None when the time is over."""
        stream = self.process.stdout
        assert stream is not None
        line = b""
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            part = os.read(stream.fileno(), 1 << 20)
            if not part:
                break
            line += part
        return line

    def _last_words(self) -> str:
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else f"ended with exit code {self.process.wait()}"

    def _signal(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            if stream is not None:
                stream.close()


class Field:
    """Workers of several frameworks, which race on one task after the other. The first framework is Powertrain's."""

    def __init__(
        self,
        frameworks: Sequence[str],
        threads: int | None = None,
        *,
        keep: bool = True,
        environment: Mapping[str, str] | None = None,
        python: str = sys.executable,
    ) -> None:
        self.frameworks = list(frameworks)
        self.workers: dict[str, Worker] = {}
        self.missing: dict[str, str] = {}
        self.peak_mib = 0.0
        self.slowest = OUT_OF_SIGHT_SECONDS
        for framework in self.frameworks:
            if not installed(framework):
                self.missing[framework] = "not installed"
                continue
            kept = KEEP if keep and not framework.startswith("powertrain") else {}
            self.workers[framework] = Worker(framework, threads, {**kept, **(environment or {})}, python)

    def __enter__(self) -> Field:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers.values():
            worker.close()

    def race(self, task: str, pace: Pace) -> Result:
        """Every framework on one task, in turns; every other round in the opposite order."""
        self.slowest = OUT_OF_SIGHT_SECONDS
        entries = {framework: self._made(framework, task, pace) for framework in self.frameworks}
        self._compare(task, list(entries.values()))
        for number in range(pace.rounds):
            order = [entry for entry in entries.values() if not entry.note]
            for entry in order if number % 2 == 0 else reversed(order):
                self._turn(entry, pace)
            if number == 0:
                self._drop_hopeless(list(entries.values()))
        for framework, entry in entries.items():
            if framework in self.workers and entry.turns:
                with contextlib.suppress(Failed):
                    entry.peak_mib = self.workers[framework].ask(pace.limit, do="finish")["peak_mib"]
        return Result(task, list(entries.values()))

    def _made(self, framework: str, task: str, pace: Pace) -> Entry:
        entry = Entry(framework, note=self.missing.get(framework, ""))
        if entry.note:
            return entry
        free = machine.free_mib()
        if free is not None and free < self.peak_mib * 1.2 + SPARE_MIB:
            entry.note = f"left out: {free:.0f} MiB are free, and another framework needed {self.peak_mib:.0f}"
            return entry
        worker = self.workers[framework]
        try:
            rules = {"steps": pace.steps, "warm_up": pace.warm_up, "slowest": self.slowest}
            made = worker.ask(pace.limit, do="make", task=task, **rules)
            if made["fastest_s"] is not None:
                self.slowest = min(self.slowest, max(OUT_OF_SIGHT * made["fastest_s"], LEAST_SECONDS))
            self.peak_mib = max(self.peak_mib, worker.ask(pace.limit, do="finish")["peak_mib"])
        except Failed as failure:
            entry.note = str(failure)
            if worker.process.poll() is not None:
                self.missing[framework] = f"gave up at {task}: {failure}"
            return entry
        entry.version, entry.first_step_s, entry.losses = made["version"], made["first_step_s"], made["losses"]
        return entry

    def _compare(self, task: str, entries: Sequence[Entry]) -> None:
        """Losses against the published ones, or else against Powertrain's; an op's results against Powertrain's."""
        if tasks.is_op(task):
            self._compare_results(entries, op_calls.TOLERANCES[op_cases.CASES[task].dtype])
            return
        if tasks.is_generation(task):
            self._compare_results(entries, SCORES_AGREE[task.split()[-1]])
            return
        if not tasks.losses_of(task):
            return
        name, precision = task.split()[1:]
        workload = find(name)
        reference = workload.losses[:4] or tuple(entries[0].losses)
        for entry in entries:
            entry.loss_error, entry.wrong = compare_losses(entry.losses, reference, workload.sgd, precision)

    def _compare_results(self, entries: Sequence[Entry], tolerance: float) -> None:
        for entry in entries:
            if not entry.note and not entries[0].note:
                entry.loss_error, entry.wrong = op_calls.disagreement(entry.losses, entries[0].losses, tolerance)

    def _turn(self, entry: Entry, pace: Pace) -> None:
        state = caches.now()
        before, start = machine.busy_seconds(), time.perf_counter()
        try:
            answer = self.workers[entry.framework].ask(
                pace.limit, do="sample", seconds=pace.seconds, settle=pace.settle
            )
        except Failed as failure:
            entry.note = str(failure)
            return
        after, wall = machine.busy_seconds(), time.perf_counter() - start
        others = None
        if before is not None and after is not None:
            # The settling steps are the worker's too; they use the machine as the samples do.
            own = answer["processor"] * wall / answer["wall"]
            others = max(0.0, (after - before - own) / wall)
        entry.turns.append(Turn(answer["samples"], others, caches.state_between(state, caches.now())))

    def _drop_hopeless(self, entries: Sequence[Entry]) -> None:
        # By the fastest samples, which disturbance says least about.
        peers = [entry for entry in entries[1:] if entry.turns]
        best = min((entry.least for entry in peers if not entry.wrong), default=math.inf)
        for entry in peers:
            if entry.least > HOPELESS * best:
                entry.note = f"more than {HOPELESS:.0f} times slower than the best peer: one turn"
