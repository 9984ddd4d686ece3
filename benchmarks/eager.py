"""Time eager calls on small inputs beside PyTorch and NumPy: python benchmarks/eager.py

The calls are the expressions of race/eager_cases.py. All libraries run in this process with one thread, in turns: a
batch of each, again and again. The lowest batch counts, since what other programs take can only be added to a time.
Run it with `nice -n -15`, where that is allowed, for a quieter machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from race.eager_cases import CASES
from race.eager_names import LIBRARIES

BATCH = 1e-3  # seconds of one batch
PEERS = ("torch", "numpy")


def batch_of(expression: str, names: dict[str, Any]) -> Callable[[int], float]:
    """A function that makes the call n times, and gives the seconds that this took; `w` is its own to update."""
    space = dict(names, perf_counter=time.perf_counter)
    lines = ["def batch(n, w=w):", "    start = perf_counter()", "    for __ in range(n):", f"        {expression}"]
    exec("\n".join([*lines, "    return perf_counter() - start"]), space)
    made: Callable[[int], float] = space["batch"]
    return made


def calls_of(case: tuple[str, str, str], names: dict[str, dict[str, Any]]) -> dict[str, Callable[[int], float]]:
    """The batches of those who can make the call."""
    found = {}
    for library, expression in zip(LIBRARIES, case, strict=True):
        if library not in names or not expression:
            continue
        batch = batch_of(case[0] if expression == "=" else expression, names[library])
        try:
            batch(3)
        except Exception as error:
            print(f"{library} cannot {case[0]}: {type(error).__name__}: {str(error)[:100]}")
            continue
        found[library] = batch
    return found


def timed(calls: dict[str, Callable[[int], float]], rounds: int) -> dict[str, float]:
    """Microseconds of a call of each."""
    counts, best = {}, dict.fromkeys(calls, math.inf)
    for library, batch in calls.items():
        one = max(min(batch(5) for _ in range(3)) / 5, 1e-8)
        counts[library] = max(1, int(BATCH / one))
    gc.disable()
    for _ in range(rounds):
        for library, batch in calls.items():
            best[library] = min(best[library], batch(counts[library]) / counts[library] * 1e6)
    gc.enable()
    gc.collect()
    return best


def mean(ratios: list[float]) -> float:
    return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else math.nan


def report(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """The summary of each group, and then all calls, the worst ratio first."""
    lines = ["| calls | beside PyTorch | above 1 | above 2 | beside NumPy | above 1 |", "| --- |" + " --- |" * 5]
    flat = []
    whole = {name: t for cases in found.values() for name, t in cases.items()}
    for group, cases in [*found.items(), ("all", whole)]:
        torch = [t["powertrain"] / t["torch"] for t in cases.values() if "torch" in t and "powertrain" in t]
        numpy = [t["powertrain"] / t["numpy"] for t in cases.values() if "numpy" in t and "powertrain" in t]
        over = [sum(ratio > limit for ratio in torch) for limit in (1, 2)]
        beside = f"{mean(numpy):.2f} of {len(numpy)} | {sum(ratio > 1 for ratio in numpy)}" if numpy else " | "
        lines.append(f"| {group} | {mean(torch):.2f} of {len(torch)} | {over[0]} | {over[1]} | {beside} |")
        flat += [(t["powertrain"] / t.get("torch", math.nan), name, t) for name, t in cases.items() if group != "all"]
    lines += ["", "| ratio to PyTorch | call | powertrain | torch | numpy |", "| --- |" + " --- |" * 4]
    for ratio, name, t in sorted(flat, key=lambda one: -one[0] if one[0] == one[0] else 0):
        told = " | ".join(f"{t[library]:.2f}" if library in t else "" for library in ("powertrain", *PEERS))
        lines.append(f"| {ratio:.2f} | `{name}` | {told} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose text has these words, or a group of them")
    parser.add_argument("--rounds", type=int, default=15, help="batches of each library")
    parser.add_argument("--without", nargs="*", default=[], choices=PEERS, help="libraries to leave out")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    given = parser.parse_args(arguments)
    names = {}
    for library, make in LIBRARIES.items():
        if library in given.without:
            continue
        try:
            names[library] = make()
        except ImportError as error:
            print(f"{library} is left out: {error}")
    found: dict[str, dict[str, dict[str, float]]] = {}
    for group, cases in CASES.items():
        wanted = [case for case in cases if given.only in (group, "") or given.only in case[0]]
        times = {case[0]: timed(calls_of(case, names), given.rounds) for case in wanted}
        if times:
            found[group] = {name: t for name, t in times.items() if "powertrain" in t}
    if given.json:
        given.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    if not found:
        print(f"[eager] no case has {given.only!r}; expected a group, or words of a call; see race/eager_cases.py")
        return 2
    print(report(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
