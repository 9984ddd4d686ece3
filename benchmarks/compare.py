"""Two commits' wheels side by side: each workload in turns, and how much slower the new one is, with its interval.

    python benchmarks/compare.py BASE [--new COMMIT] [--workloads mlp_tiny lenet] [--rounds 10]

Without --new the working tree is measured as it is. A workload is slower when its median ratio is 1.05 or more and the
95 % interval excludes 1; then the exit code is 1. Wheels of commits are kept in build/compare, so the second
comparison with the same base builds one wheel only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from powertrain.cli.bench.arrays import WORKLOADS
from powertrain.cli.bench.intervals import paired_interval
from race import caches
from race.table import align, milliseconds

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "build" / "compare"
LIMIT = 1.05
BENCH = "import sys; from powertrain.cli import main; sys.exit(main(['bench', *sys.argv[1:]]))"


class CompareError(Exception):
    """What cannot be compared: `[compare] what was received; what was expected; the fix`."""


@dataclass
class Change:
    """One workload before and after, a median of each round."""

    workload: str
    base: list[float] = field(default_factory=list)
    new: list[float] = field(default_factory=list)
    states: list[str] = field(default_factory=list)  # of the caches, in each round

    def counted(self) -> tuple[list[float], list[float]]:
        """The rounds in which the machine stayed in one state, if they are half of them or more; else all."""
        steady = [at for at, state in enumerate(self.states) if state != caches.CHANGED]
        if 2 * len(steady) < len(self.base):
            return self.base, self.new
        return [self.base[at] for at in steady], [self.new[at] for at in steady]

    @property
    def ratio(self) -> float:
        """Above 1: the new one is slower."""
        return statistics.median(after / before for before, after in zip(*self.counted(), strict=True))

    def verdict(self, limit: float = LIMIT) -> str:
        low, high = paired_interval(*self.counted())
        if self.ratio >= limit and low > 1:
            return "slower"
        if high >= limit:
            return "unclear: more rounds, or a quieter machine"
        return "faster" if self.ratio <= 1 / limit and high < 1 else "same"

    def row(self, limit: float = LIMIT) -> list[str]:
        low, high = paired_interval(*self.counted())
        before, after = map(statistics.median, self.counted())
        ratio = f"{self.ratio:.3f} [{low:.3f}, {high:.3f}]"
        seen = Counter(state for state in self.states if state)
        states = ", ".join(f"{count} {state}" for state, count in sorted(seen.items())) or "-"
        return [self.workload, milliseconds(before), milliseconds(after), ratio, self.verdict(limit), states]


def git(*words: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompareError(
            f"[compare] git {' '.join(words)}: {done.stderr.strip()}; expected a commit of this repository; name one "
            "that git log shows"
        )
    return done.stdout.strip()


def build(tree: Path, folder: Path) -> Path:
    """The wheel of a source tree, installed into a folder of its own; where it is."""
    site = folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels = folder / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    options = ["--no-deps", "--no-build-isolation", "-C", f"build-dir={folder / 'build'}"]
    run([*pip, "wheel", *options, "-C", "cmake.define.POWERTRAIN_BUILD_TESTS=OFF", "-w", str(wheels), str(tree)])
    partial = folder / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    run([*pip, "install", "--no-deps", "--target", str(partial), *map(str, wheels.glob("*.whl"))])
    partial.rename(site)
    return site


def run(command: Sequence[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise CompareError(f"[compare] {' '.join(command)} failed; expected a wheel; see the lines above")


def site_of(commit: str) -> Path:
    """A commit's wheel, built unless it is there."""
    sha = git("rev-parse", "--verify", f"{commit}^{{commit}}")
    folder = KEPT / sha[:12]
    if (folder / "site").is_dir():
        return folder / "site"
    tree = folder / "tree"
    folder.mkdir(parents=True, exist_ok=True)
    if not tree.is_dir():
        git("worktree", "prune")
        git("worktree", "add", "--detach", "--force", str(tree), sha)
    try:
        return build(tree, folder)
    finally:
        git("worktree", "remove", "--force", str(tree))


def median_of(site: Path, workload: str, seconds: float, threads: int | None) -> float:
    """Milliseconds of a step with the wheel in that folder, in a new process."""
    words = [workload, "--seconds", str(seconds), "--json", *(["--threads", str(threads)] if threads else [])]
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-c", BENCH, *words]
    # In a folder without a powertrain of its own, since Python looks there first.
    done = subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise CompareError(f"[compare] {workload} with {site}: {last}; expected a time; leave the workload out")
    found: float = json.loads(done.stdout.splitlines()[-1])["median_ms"]
    return found


def compare(
    sites: Mapping[str, Path], workloads: Sequence[str], rounds: int, seconds: float, threads: int | None
) -> list[Change]:
    """Rounds over all workloads; within a round both wheels in turns, and the other way round in the next."""
    changes = [Change(workload) for workload in workloads]
    for number in range(rounds):
        for change in changes:
            state = caches.now()
            for which in ("base", "new") if number % 2 == 0 else ("new", "base"):
                found = median_of(sites[which], change.workload, seconds, threads)
                (change.base if which == "base" else change.new).append(found)
            change.states.append(caches.state_between(state, caches.now()))
        print(f"  round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return changes


def report(changes: Sequence[Change], limit: float) -> int:
    """Prints the table and names what is slower; the exit code."""
    rows = [["workload", "base ms", "new ms", "new / base [95 %]", "verdict", "rounds by state of the caches"]]
    print(align(rows + [change.row(limit) for change in changes]))
    slower = [change for change in changes if change.verdict(limit) == "slower"]
    for change in slower:
        print(f"slower: {change.workload} takes {change.ratio:.2f} times as long as with the base")
    return 1 if slower else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("base", metavar="BASE", help="a commit")
    parser.add_argument("--new", metavar="COMMIT", help="default: the working tree")
    parser.add_argument("--workloads", nargs="*", default=[name for name in WORKLOADS if name != "gpt2_124m"])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--limit", type=float, default=LIMIT)
    given = parser.parse_args(arguments)
    try:
        base = site_of(given.base)
        new = site_of(given.new) if given.new else build(ROOT, KEPT / "working-tree")
        changes = compare({"base": base, "new": new}, given.workloads, given.rounds, given.seconds, given.threads)
    except CompareError as error:
        print(error, file=sys.stderr)
        return 2
    return report(changes, given.limit)


if __name__ == "__main__":
    sys.exit(main())
