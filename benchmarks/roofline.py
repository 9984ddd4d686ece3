"""Estimate the time of each benchmark workload's training step on an A100, an H100 and a B200, from its plan.

    python benchmarks/roofline.py                                  print the tables
    python benchmarks/roofline.py --document docs/benchmarks/gpu.md    and put them there

Nothing is run: the launches are those of tests/devices/records, the formula is that of estimate.py.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import plan_records
from estimate import CARDS, H100, Card, Estimate, Work, estimate
from llmc import OTHERS, SMALL, STEPS, llmc_pass, llmc_step, llmc_update
from plan_records import Launch, Record
from race.table import align
from run import replace

PLACE = "benchmarks/roofline.py"  # in a document
COMPARED = "gpt2_124m:bf16:32x1024"


def work_of(launch: Launch) -> Work:
    """What a launch of ours counts as, by its kernel's name: products of f16 and bf16 are by matrix instructions."""
    parts = launch.kernel.split("_")
    tensor = parts[0] in {"matmul", "conv2d", "attention"} and not {"bf16", "f16"}.isdisjoint(parts)
    kind = "attention" if parts[0] == "attention" else "product"
    return Work(kind, "mma" if tensor else "fma", launch.flops, launch.bytes, launch.blocks)


def works_of(record: Record) -> list[Work]:
    """All launches of a step, with those of the runtime: a guard and a commit for each phase, a fill and a copy."""
    own = Work("memory", "fma", 0, 0, count=2 * record.phases + 2)
    return [*(work_of(launch) for launch in record.launches), own]


def kept(plan: str) -> Record:
    return plan_records.read(plan_records.file_of(plan).read_text(encoding="utf-8"))


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:,.0f}"


def shares(found: Estimate) -> str:
    parts = (found.products, found.memory, found.starts)
    return " / ".join(f"{part / found.seconds:.0%}" for part in parts)


def workloads() -> str:
    """A row for each plan that is kept."""
    rows = [["ms of a step", "launches", *(card.name for card in CARDS), "arithmetic / memory / launches on H100"]]
    for plan in plan_records.PLANS:
        record = kept(plan)
        works = works_of(record)
        times = [milliseconds(estimate(works, card).seconds) for card in CARDS]
        name = plan.replace(":", " ")
        rows.append([name, str(len(record.launches)), *times, shares(estimate(works, H100))])
    return align(rows)


def reproduced() -> str:
    """llm.c's steps: published, and by the formula."""
    rows = [["llm.c, bf16", "tokens a card", "published ms", "formula ms", "ratio"]]
    for step in STEPS:
        seconds = estimate(llmc_step(step), step.card).seconds
        rows.append(
            [
                f"[{step.model.name}, {step.cards} x {step.card.name}]({step.source})",
                f"{step.tokens:,}",
                milliseconds(step.seconds),
                milliseconds(seconds),
                f"{seconds / step.seconds:.2f}",
            ]
        )
    return align(rows)


def beside() -> str:
    """GPT-2 124M, batch 32 and context 1024: ours and llm.c's by the formula."""
    tokens = 32 * SMALL.context
    rows = [["thousand tokens a second", *(card.name for card in CARDS)]]
    steps: list[tuple[str, list[Work]]] = [
        ("llm.c, by the formula", [*llmc_pass(SMALL, 32), *llmc_update(SMALL, 1)]),
        ("Powertrain, by the formula", works_of(kept(COMPARED))),
    ]
    for name, works in steps:
        rows.append([name, *(_thousands(tokens / estimate(works, card).seconds) for card in CARDS)])
    return align(rows)


def _thousands(rate: float) -> str:
    return f"{rate / 1e3:.0f}"


def published() -> str:
    rows = [["published, GPT-2", "what", "thousand tokens a second and card"]]
    rows += [[f"[{name}]({source})", what, _thousands(rate)] for name, what, rate, source in OTHERS]
    return align(rows)


def longest(plan: str, card: Card, most: int) -> str:
    """The kernels that take most of a step, by the formula."""
    by_kernel: dict[str, list[float]] = {}
    for launch in kept(plan).launches:
        by_kernel.setdefault(launch.kernel, []).append(estimate([work_of(launch)], card).seconds)
    rows = [["kernel", "launches", "ms"]]
    ordered = sorted(by_kernel.items(), key=lambda item: -sum(item[1]))
    return align([*rows, *([name, str(len(found)), milliseconds(sum(found))] for name, found in ordered[:most])])


def text() -> str:
    return "\n\n".join([workloads(), reproduced(), beside(), published()])


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--document", type=Path, help="a page to put the tables into")
    parser.add_argument("--kernels", choices=plan_records.PLANS, metavar="PLAN", help="the longest kernels of one plan")
    options = parser.parse_args(words)
    if options.kernels:
        print(longest(options.kernels, H100, 20))
        return 0
    print(text())
    if options.document:
        replace(options.document, PLACE, lambda _: text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
