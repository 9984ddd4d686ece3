"""The plan of each benchmark workload's training step for a GPU, kept as text: launches, their geometry and their work.

    python benchmarks/plan_records.py                   write tests/devices/records again
    python benchmarks/plan_records.py lenet             print one
    python benchmarks/plan_records.py gpt2_124m:bf16    in another precision

The step is traced and planned on a simulated GPU (`make cuda-sim`) and not run, so the records need no card. A change
of a plan shows as a difference of these files.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from powertrain.cli.bench.arrays import WORKLOADS, Drawer

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "tests" / "devices" / "records"
LIBRARY = ROOT / "build" / "cuda" / "powertrain_cuda" / "libpowertrain_cuda.so"
# Every workload in f32, and those in bf16 whose products are large enough to gain from it. The last one is GPT-2 with
# the batch and the context for which others have published times.
PLANS = (*WORKLOADS, "gpt2_124m:bf16", "resnet18:bf16", "vit_tiny:bf16", "gpt2_124m:bf16:32x1024")
CARD = {"capability": "9.0", "units": "132"}  # an H100
HEADINGS = ("kernel", "grid", "block", "shared", "Mflop", "kB", "what")


class RecordError(ValueError):
    """A plan that cannot be recorded: `[plan records] what was received; what was expected; the fix`."""


@dataclass(frozen=True)
class Launch:
    """One launch of a step: its kernel, how it is cut, and its work."""

    kernel: str
    grid: tuple[int, ...]  # in blocks
    block: tuple[int, ...]  # in threads
    shared: int  # bytes of dynamic shared memory
    flops: float
    bytes: float  # read and written, each operand once
    what: str  # the ops that it computes

    @property
    def blocks(self) -> int:
        x, y, z = self.grid
        return x * y * z


@dataclass(frozen=True)
class Record:
    """A planned step."""

    arena: int  # bytes
    phases: int  # each ends with a launch that guards and one that commits
    launches: list[Launch]


def file_of(plan: str) -> Path:
    return FOLDER / f"{plan.replace(':', '_')}.txt"


def parts_of(plan: str) -> tuple[str, str, tuple[int, ...]]:
    """Workload, precision, and batch and context where they are not the workload's own."""
    name, _, rest = plan.partition(":")
    precision, _, shape = rest.partition(":")
    return name, precision or "f32", tuple(map(int, shape.split("x"))) if shape else ()


def planned(plan: str, device: str) -> Record:
    """Trace and plan a workload's step on a loaded device: `lenet`, `gpt2_124m:bf16` or `gpt2_124m:bf16:32x1024`."""
    import powertrain as pt
    from powertrain.cli.bench.steps import compiled_step

    name, precision, shape = parts_of(plan)
    with mock.patch.multiple(Drawer, uniform=_zeros, normal=_zeros):  # a plan depends on shapes alone
        step, batches = compiled_step(name, precision, device)
    if shape:
        batches = [(pt.zeros(shape, pt.int64), pt.zeros(shape, pt.int64))]
    step.plan(*batches[0])
    program: dict[str, Any] = step.programs[0]
    launches = [_launch(instruction) for instruction in program["instructions"]]
    phases = 1 + max(instruction["phase"] for instruction in program["instructions"])
    return Record(program["arena_bytes"], phases, launches)


def _zeros(drawer: Drawer, name: str, shape: tuple[int, ...], _: float) -> None:
    drawer.fill(name, shape, 0)


def _launch(instruction: dict[str, Any]) -> Launch:
    return Launch(
        instruction["kernel"],
        tuple(instruction["grid"]),
        tuple(instruction["block"]),
        instruction["shared_bytes"],
        instruction["flops"],
        instruction["bytes"],
        instruction["name"],
    )


def text_of(plan: str, record: Record) -> str:
    """A record as it is kept: totals, then a line for each launch."""
    rows = [HEADINGS]
    for launch in record.launches:
        grid, block = (_extents(extents) for extents in (launch.grid, launch.block))
        work = (f"{launch.flops / 1e6:.4g}", f"{launch.bytes / 1e3:.4g}")
        rows.append((launch.kernel, grid, block, str(launch.shared), *work, launch.what))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = {0, len(HEADINGS) - 1}
    lines = [
        "  ".join(
            cell.ljust(width) if at in left else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    name, precision, shape = parts_of(plan)
    of_shape = f", batch {shape[0]} and context {shape[1]}," if shape else ","
    totals = (
        f"{name} in {precision}{of_shape} planned for compute capability {CARD['capability']} with {CARD['units']} "
        f"multiprocessors\n{len(record.launches)} launches in {record.phases} phases, arena {record.arena:,} bytes, "
        f"{sum(launch.flops for launch in record.launches) / 1e9:.4g} Gflop, "
        f"{sum(launch.bytes for launch in record.launches) / 1e6:.4g} MB"
    )
    return "\n".join([totals, "", *lines, ""])


def _extents(extents: tuple[int, ...]) -> str:
    """256, or 4x12: ones at the end are left out."""
    last = max((axis for axis, extent in enumerate(extents) if extent != 1), default=0)
    return "x".join(map(str, extents[: last + 1]))


def read(text: str) -> Record:
    """A record from its text."""
    totals = text.splitlines()[1]
    found = re.fullmatch(r"\d+ launches in (\d+) phases, arena ([\d,]+) bytes, .*", totals)
    if not found:
        raise RecordError(
            f"[plan records] the second line is {totals!r}; expected '12 launches in 1 phases, arena 1,024 bytes, ...'"
            "; write the records again with python benchmarks/plan_records.py"
        )
    launches = []
    for line in text.splitlines()[4:]:
        kernel, grid, block, shared, mflop, kilobytes, what = line.split(maxsplit=len(HEADINGS) - 1)
        launches.append(
            Launch(
                kernel, _numbers(grid), _numbers(block), int(shared), float(mflop) * 1e6, float(kilobytes) * 1e3, what
            )
        )
    return Record(int(found[2].replace(",", "")), int(found[1]), launches)


def _numbers(extents: str) -> tuple[int, ...]:
    numbers = tuple(map(int, extents.split("x")))
    return (*numbers, *(1,) * (3 - len(numbers)))


def simulated_device() -> str:
    """Load the simulated GPU that plans are made for; before anything else opens a driver."""
    from powertrain import _core

    if not LIBRARY.exists():
        raise RecordError(
            f"[plan records] {LIBRARY.relative_to(ROOT)} is not there; expected the library with a simulated driver; "
            "make cuda-sim"
        )
    machine = ",".join(f"{key}={value}" for key, value in CARD.items())
    os.environ.pop("POWERTRAIN_CUDA_NVRTC", None)  # the kernels that it compiles are another one for each program
    os.environ |= {"POWERTRAIN_CUDA_DRIVER": "sim", "POWERTRAIN_SIM": f"devices=1,memory=4G,poison=0,{machine}"}
    return _core.load_device(str(LIBRARY), 0)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the plans of the benchmark workloads again, or print some.")
    parser.add_argument("plans", nargs="*", choices=[*PLANS, []], metavar="PLAN", help=", ".join(PLANS))
    parser.add_argument("--into", type=Path, default=FOLDER, help="the folder to write into")
    options = parser.parse_args(words)
    device = simulated_device()
    for plan in options.plans or PLANS:
        text = text_of(plan, planned(plan, device))
        if options.plans:
            print(text)
        else:
            options.into.mkdir(parents=True, exist_ok=True)
            (options.into / file_of(plan).name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
