"""Attacks in child processes: `run.py --count 30000`, `run.py --seed 7` for one line.

A child has a limit of memory, so that an answer of any size is asked for and refused, and a limit of time for each
line. What a line leaves behind ends with its child. A child makes three hundred: to start takes as long as two hundred.
"""

from __future__ import annotations

import argparse
import collections
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import fuzz_children

BATCH = 300
SECONDS = 120
MEMORY = 6 << 30


def examine(seed: int) -> tuple[str | None, Sequence[str]]:
    from attack import judge, lines

    line = lines.line(seed)
    found = judge.run(line)
    return None, [] if found is None else [f"{found}\n    {line}"]


def serve(seeds: range) -> None:
    """In the child."""
    import powertrain as pt
    from attack import subjects

    pt.set_threads(2)
    subjects.subjects()  # what all lines need is imported before the time of the first begins
    os.chdir(tempfile.mkdtemp())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    fuzz_children.serve(seeds, examine, SECONDS)


def child() -> list[str]:
    return [sys.executable, str(Path(__file__)), "--serve"]


def batches(seeds: range) -> Iterator[range]:
    for start in range(seeds.start, seeds.stop, BATCH):
        yield range(start, min(start + BATCH, seeds.stop))


def attack(seeds: range, jobs: int = 1) -> Iterator[fuzz_children.Answer]:
    """The answers of all seeds that ended wrong."""
    from attack import lines

    children = fuzz_children.Children()

    def one(batch: range) -> list[fuzz_children.Answer]:
        return [answer for answer in children.answers(child(), batch) if answer.wrong]

    try:
        with ThreadPoolExecutor(jobs) as pool:
            for answers in pool.map(one, batches(seeds)):
                for answer in answers:
                    told = answer.wrong[0]
                    whole = told if "\n" in told else f"{told}\n    {lines.line(answer.seed)}"
                    yield fuzz_children.Answer(answer.seed, None, (whole,))
    finally:
        children.stop()


def kind(answer: fuzz_children.Answer) -> str:
    told = answer.wrong[0]
    if not told.startswith("the process ended with"):
        return "raw"
    return "hang" if "Timeout" in told else "crash"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--serve", nargs=2, type=int)
    given = parser.parse_args()
    if given.serve:
        first, count = given.serve
        serve(range(first, first + count))
        return 0
    if given.seed is not None:
        from attack import lines

        print(lines.PREFACE + lines.line(given.seed))
        return subprocess.run([*child(), str(given.seed), "1"], check=False).returncode
    began = time.monotonic()
    counts: collections.Counter[str] = collections.Counter()
    for answer in attack(range(given.first, given.first + given.count), given.jobs):
        counts[kind(answer)] += 1
        print(f"seed {answer.seed}: {answer.wrong[0]}", flush=True)
    told = ", ".join(f"{counts[name]} {name}" for name in ("crash", "hang", "raw"))
    print(f"{given.count} calls in {time.monotonic() - began:.0f} s: {told}")
    return 1 if counts else 0


if __name__ == "__main__":
    sys.exit(main())
