"""Break the engine on purpose, one fault at a time, and expect the tests of that part to fail.

`mutants.py [OP or PART]...` takes the MUTANTS rows of tests/cases/<op>.py: (file in cpp/ops/<op>/, text, replacement),
and those of the parts of tests/support/mutants_elsewhere.py. Works on copies of the tree. A mutant that survives is a
missing test.

One copy is built as it is. Of a mutant only the files that include what was changed are compiled, beside the objects of
the build, which stay right for the next one; what tests import is linked into the copy of a worker.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import posixpath
import queue
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from scratch_tree import ROOT, ScratchTree

sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "support")]  # as pytest has them: `cases`, `kit` and others

NO_TESTS = 5  # pytest's exit code: nothing looks at what was broken
HAS_PEERS = importlib.util.find_spec("torch") is not None
SECONDS = 900


@dataclass(frozen=True)
class Mutant:
    part: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]

    def changed(self, source: str) -> str:
        return source.replace(self.text, self.replacement, 1)

    @property
    def cost(self) -> int:
        """What the fault makes the compiler do: nothing, one file, a header of the fused machine."""
        return 0 if not self.file.startswith("cpp/") else 2 if self.file.endswith(".h") else 1


def all_names() -> list[str]:
    """The ops that have a case file, and the parts."""
    ops = sorted(path.stem for path in (ROOT / "tests" / "cases").glob("*.py"))
    return [*ops, *parts()]


def parts() -> Mapping[str, Any]:
    """Those of tests/support/mutants_elsewhere.py."""
    return cast("Mapping[str, Any]", importlib.import_module("mutants_elsewhere").PARTS)


def mutants_of(name: str) -> Iterator[Mutant]:
    """Those of an op, or of a part of tests/support/mutants_elsewhere.py."""
    part = parts().get(name)
    if part:
        yield from (Mutant(name, *row, part.tests) for row in part.rows)
        return
    tests = ("tests/ops/test_ops.py", "-k", f"[{name}] or [{name}-")
    for file, *change in getattr(importlib.import_module(f"cases.{name}"), "MUTANTS", []):
        yield Mutant(name, posixpath.normpath(f"cpp/ops/{name}/{file}"), *change, tests)


def words_of(tests: tuple[str, ...], has_peers: bool = HAS_PEERS) -> tuple[str, ...]:
    """For pytest. Without PyTorch, tests that compare with it are left out: skipped ones pass whatever is planted."""
    if has_peers:
        return tests
    if "-m" not in tests:
        return (*tests, "-m", "not peers")
    at = tests.index("-m") + 1
    return (*tests[:at], f"({tests[at]}) and not peers", *tests[at + 1 :])


def tested(worker: ScratchTree, mutant: Mutant) -> str:
    """What becomes of a fault that a tree has: `skipped` if PyTorch is missing and all its tests need it."""
    try:
        returncode = worker.pytest("-x", *words_of(mutant.tests), seconds=SECONDS).returncode
    except subprocess.TimeoutExpired:  # a loop without end is a difference too
        return "killed"
    if returncode == NO_TESTS and not HAS_PEERS:
        return "skipped"
    return "SURVIVED" if returncode in (0, NO_TESTS) else "killed"


class Faults:
    """Plants faults in copies of a built tree: one plants and compiles at a time, tests run side by side."""

    def __init__(self, tree: ScratchTree, workers: int) -> None:
        self.tree = tree
        self._compiling = threading.Lock()
        self._idle: queue.Queue[ScratchTree] = queue.Queue()
        for number in range(workers):
            self._idle.put(ScratchTree(tree.folder / "workers" / str(number)))

    def outcome(self, mutant: Mutant) -> str:
        """As of `tested`, or `NO BUILD`: a row that the compiler refuses says nothing about the tests."""
        worker = self._idle.get()
        try:
            return self._outcome(worker, mutant)
        finally:
            self._idle.put(worker)

    def _outcome(self, worker: ScratchTree, mutant: Mutant) -> str:
        if mutant.file.startswith("cpp/"):
            with self._compiling:
                if not self._compile(worker, mutant):
                    return "NO BUILD"
            return tested(worker, mutant)
        with self._compiling:  # or the module may hold the fault of another
            self.tree.copy_module(worker)
        path = worker.folder / mutant.file
        original = path.read_text(encoding="utf-8")
        path.write_text(mutant.changed(original), encoding="utf-8")
        try:
            return tested(worker, mutant)
        finally:
            path.write_text(original, encoding="utf-8")

    def _compile(self, worker: ScratchTree, mutant: Mutant) -> bool:
        path = self.tree.folder / mutant.file
        original, times = path.read_text(encoding="utf-8"), path.stat()
        apart = self.tree.can_build_apart(mutant.file)
        path.write_text(mutant.changed(original), encoding="utf-8")
        try:
            if apart:
                self.tree.build_apart(mutant.file, worker)
            else:
                self.tree.build()
                self.tree.copy_module(worker)
        except RuntimeError:
            return False
        finally:
            path.write_text(original, encoding="utf-8")
            if apart:
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            else:
                self.tree.build()
        return True


def check_without_faults(tree: ScratchTree, mutants: list[Mutant]) -> None:
    """Tests that fail anyway would kill everything."""
    of_ops = [mutant.tests[-1] for mutant in mutants if mutant.tests[:2] == ("tests/ops/test_ops.py", "-k")]
    runs = {mutant.tests for mutant in mutants if mutant.tests[-1] not in of_ops}
    if of_ops:
        runs.add(("tests/ops/test_ops.py", "-k", " or ".join(dict.fromkeys(of_ops))))
    for tests in sorted(runs):
        done = tree.pytest("-x", *words_of(tests))
        if done.returncode not in (0, NO_TESTS):
            raise SystemExit(
                f"[mutants] {' '.join(tests)[:200]} fails in the copy without a fault; expected it to pass; fix it "
                f"first:\n{done.stdout[-2000:]}"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="OP_OR_PART")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="tests side by side")
    arguments = parser.parse_args()
    if not HAS_PEERS:
        print("PyTorch is not installed: tests that compare with it are left out, and what they alone find survives")
    known = all_names()
    names = arguments.names or known
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(
            f"[mutants] {unknown[0]!r}; expected an op with a case file in tests/cases, or a part of "
            f"tests/support/mutants_elsewhere.py: {', '.join(parts())}"
        )
    mutants = sorted((mutant for name in names for mutant in mutants_of(name)), key=lambda mutant: mutant.cost)
    for mutant in mutants:
        if mutant.text not in (ROOT / mutant.file).read_text(encoding="utf-8"):
            raise SystemExit(
                f"[mutants] {mutant.part}: {mutant.file} does not contain {mutant.text!r}; expected it; fix its row"
            )
    tree = ScratchTree(ROOT / "build" / "mutants")
    print("building an engine to plant the faults in, in build/mutants: minutes the first time", flush=True)
    tree.build()
    faults = Faults(tree, arguments.workers)
    check_without_faults(tree, mutants)
    counts: Counter[str] = Counter()

    def run(mutant: Mutant) -> None:
        found = faults.outcome(mutant)
        counts[found] += 1
        print(f"{found:8} {mutant.file}: {mutant.text!r} -> {mutant.replacement!r}", flush=True)

    with ThreadPoolExecutor(arguments.workers) as pool:
        list(pool.map(run, mutants))
    others = {"NO BUILD": "did not compile", "skipped": "skipped, since all their tests need PyTorch"}
    told = "".join(f", {counts[name]} {words}" for name, words in others.items() if counts[name])
    print(f"{len(mutants)} mutants, {counts['killed']} killed, {counts['SURVIVED']} survived{told}")
    return 0 if counts["killed"] and counts["killed"] + counts["skipped"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
