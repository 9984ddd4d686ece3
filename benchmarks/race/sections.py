"""The parts of a benchmark run: each races some tasks and turns the results into a table and a picture."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import smollm2
from powertrain.cli.bench.arrays import WORKLOADS
from race import table, tasks
from race.field import FULL, WITHOUT_KEEP, Field, Pace
from race.figures import Entry, Result

PEERS = ("torch eager", "torch fused", "torch compile", "jax", "mlx")
# Compiling takes PyTorch up to a minute, which is more than a quick look.
QUICK_PEERS = ("torch eager", "torch fused", "jax")
EAGER = ("mlp_tiny", "lenet", "gpt_char")
BATCHES = (1, 4, 16, 64, 256, 1024)
DECODERS = ("powertrain", "transformers", "llamacpp", "onnxruntime")
GENERATED = [
    (kind, batch, precision)
    for precision in ("f32", "bf16")
    for kind, batch in (("token", 1), ("token", 8), ("prompt", 1))
]
# Hidden widths of an MLP 784-w-w-10 with 1e4, 1e5, 1e6, 1e7 and 1e8 parameters.
WIDTHS = (12, 109, 681, 2791, 9614)
BATCH_WIDTH = 681  # 1e6 parameters


@dataclass
class Options:
    """What was asked for."""

    workloads: Sequence[str] = tuple(WORKLOADS)
    low: Sequence[str] = ("gpt2_124m",)  # trained in bf16 too
    peers: Sequence[str] = PEERS
    threads: int | None = None
    pace: Pace = FULL
    laps: int = 1


@dataclass
class Section:
    """What a part found, and how to show it."""

    name: str
    title: str
    results: list[Result] = field(default_factory=list)
    text: Callable[[], str] = str
    draw: Callable[[Path], None] | None = None

    def add(self, raced: Result) -> list[Result]:
        """One row, or two if the state of the machine changed meanwhile."""
        rows = raced.by_state()
        self.results += rows
        return rows

    def as_json(self) -> list[dict[str, Any]]:
        return [result.as_json() for result in self.results]


def workload_of(result: Result) -> str:
    _, workload, precision = result.task.split()
    return workload if precision == "f32" else f"{workload} {precision}"


def task_of(result: Result) -> str:
    return result.task


def race_training(task: str, frameworks: Sequence[str], options: Options) -> Result:
    """Some laps on one workload, in new processes each; of each framework its best lap, since how a framework hands
    small work to its threads varies by process."""
    laps = []
    for _ in range(options.laps):
        with Field(frameworks, options.threads, keep=not task.startswith(WITHOUT_KEEP)) as racers:
            laps.append(racers.race(task, options.pace))
    best = []
    for entries in zip(*(lap.entries for lap in laps), strict=True):
        raced = [entry for entry in entries if entry.turns]
        best.append(min(raced, key=lambda entry: entry.median) if raced else entries[0])
    return Result(task, best)


def set_shares(result: Result, roofline: Mapping[str, float]) -> None:
    """What share of the machine's multiply-adds, or of its copy, Powertrain reached."""
    if not result.ours.turns:
        return
    per_second = 1e3 / result.ours.median
    if result.task == "adamw_10m":
        result.copy_share = tasks.ADAMW_BYTES * 1e-9 * per_second / roofline["memory_gbytes"]
    elif tasks.gflop(result.task):
        result.peak_share = tasks.gflop(result.task) * per_second / roofline["gflops"]


def steps(options: Options) -> Section:
    section = Section("steps", "Training steps")
    wanted = [tasks.training(workload) for workload in options.workloads]
    wanted += [tasks.training(workload, "bf16") for workload in options.workloads if workload in options.low]
    for task in wanted:
        for result in section.add(race_training(task, ["powertrain", *options.peers], options)):
            said = f"  {table.in_state(result, workload_of)}: ratio {table.ratio(result)} {result.verdict}"
            print(said.rstrip(), file=sys.stderr, flush=True)
    section.text = lambda: "\n\n".join(
        [table.results(section.results, workload_of), table.compiling(section.results, workload_of)]
    )
    section.draw = lambda path: _picture().dots(section.results, workload_of, "Training steps", path)
    return section


def eager(options: Options) -> Section:
    """Call by call, as code is written and debugged."""
    section = Section("eager", "Eager mode")
    for workload in EAGER:
        if workload in options.workloads:
            frameworks = ["powertrain eager", "torch eager"]
            section.add(race_training(tasks.training(workload), frameworks, options))
    section.text = lambda: table.results(section.results, workload_of)
    return section


def products(options: Options) -> Section:
    section = Section("products", "Matrix products (M, K, N) in four forms")

    def label(result: Result) -> str:
        _, shape, form, precision = result.task.split()
        return f"{shape} {form}" if precision == "f32" else f"{shape} {form} {precision}"

    with Field(["powertrain", "torch", "numpy"], options.threads) as racers:
        for shape, form in itertools.product(tasks.SHAPES, tasks.FORMS):
            section.add(racers.race(tasks.gemm(shape, form), options.pace))
        for shape in tasks.SHAPES:
            section.add(racers.race(tasks.gemm(shape, "AB", "bf16"), options.pace))
    section.text = lambda: table.results(section.results, label, steps=False)
    section.draw = lambda path: _picture().dots(section.results, label, section.title, path)
    return section


def optimizer(options: Options) -> Section:
    section = Section("optimizer", "AdamW on 10 million parameters")
    with Field(["powertrain", *(peer for peer in options.peers if peer != "mlx")], options.threads) as racers:
        section.add(racers.race("adamw_10m", options.pace))
    section.text = lambda: table.results(section.results, task_of, steps=False)
    return section


def tokens_per_second(result: Result, entry: Entry) -> float:
    _, kind, batch, _ = result.task.split()
    return int(batch) * (smollm2.LONG_PROMPT if kind == "prompt" else 1) * 1e3 / entry.median


def generation(options: Options) -> Section:
    """SmolLM2-135M reads tokens: the next one of each sequence, or a prompt."""
    section = Section("generation", "Generation with SmolLM2-135M")
    for kind, batch, precision in GENERATED:
        task = tasks.generation(kind, batch, precision)
        with Field(DECODERS, options.threads) as racers:
            for result in section.add(racers.race(task, options.pace)):
                print(f"  {table.in_state(result, task_of)}: ratio {table.ratio(result)}", file=sys.stderr, flush=True)

    def speeds() -> str:
        rows = [["tokens/s", *DECODERS]]
        for result in section.results:
            found = [f"{tokens_per_second(result, one):.1f}" if one.turns else "-" for one in result.entries]
            rows.append([table.in_state(result, task_of), *found])
        return table.align(rows)

    section.text = lambda: "\n\n".join([speeds(), table.results(section.results, task_of)])
    return section


@contextmanager
def busy_core() -> Iterator[None]:
    """Another program that computes all the time."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def threads(options: Options) -> Section:
    """Ours with the default number of threads, with one, and with the default while another program takes a core."""
    section = Section("threads", "Threads: the default, one, and the default while another program keeps a core busy")
    rows = [["ms", "default", "one thread", "a core busy", "one thread / default", "one thread / a core busy"]]
    for workload in options.workloads:
        task = tasks.training(workload)
        found = []
        for environment, crowded in (({}, False), ({"POWERTRAIN_THREADS": "1"}, False), ({}, True)):
            with Field(["powertrain"], options.threads, environment=environment) as racers:
                if crowded:
                    with busy_core():
                        found.append(racers.race(task, options.pace))
                else:
                    found.append(racers.race(task, options.pace))
        default, one, crowded_one = (result.ours for result in found)
        section.results += found
        if not all(result.ours.turns for result in found):
            continue
        over = [f"{one.median / default.median:.2f}", f"{one.median / crowded_one.median:.2f}"]
        rows.append([workload, *map(table.cell, (default, one, crowded_one)), *over])
    section.text = lambda: table.align(rows)
    return section


def scaling(options: Options) -> Section:
    """An MLP 784-w-w-10 as its parameters grow, and as its batch grows."""
    section = Section("scaling", "Cost as work grows: an MLP 784-w-w-10")
    growth = {
        "parameters (batch 64)": [(784 * w + w * w + 10 * w + 2 * w + 10, f"mlp:64:784x{w}x{w}x10") for w in WIDTHS],
        "batch (1e6 parameters)": [(b, f"mlp:{b}:784x{BATCH_WIDTH}x{BATCH_WIDTH}x10") for b in BATCHES],
    }
    peers = [peer for peer in options.peers if peer != "torch eager"]
    panels: dict[str, list[tuple[float, Result]]] = {}
    with Field(["powertrain", *peers], options.threads) as racers:
        for what, sizes in growth.items():
            for size, name in sizes:
                result = racers.race(tasks.training(name), options.pace)
                panels.setdefault(what, []).append((size, result))
                section.results.append(result)
    section.text = lambda: table.results(section.results, workload_of)
    section.draw = lambda path: _picture().lines(panels, section.title, path)
    return section


def _picture() -> Any:
    from race import picture

    return picture


SECTIONS: dict[str, Callable[[Options], Section]] = {
    "steps": steps,
    "eager": eager,
    "products": products,
    "optimizer": optimizer,
    "generation": generation,
    "threads": threads,
    "scaling": scaling,
}
DEFAULT_SECTIONS = ("steps", "eager", "products", "optimizer")
