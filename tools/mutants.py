"""Break the engine on purpose, one fault at a time, and expect the tests of that part to fail.

`mutants.py [OP or PART]...` takes the MUTANTS rows of tests/cases/<op>.py: (file in cpp/ops/<op>/, text, replacement),
and those of the parts of tests/mutants_elsewhere.py. Works on a copy of the tree. A mutant that survives is a missing
test.
"""

from __future__ import annotations

import argparse
import importlib
import posixpath
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scratch_tree import ROOT, ScratchTree

NO_TESTS = 5  # pytest's exit code: nothing looks at what was broken
SECONDS = 1800


@dataclass(frozen=True)
class Mutant:
    part: str
    file: str
    text: str
    replacement: str
    tests: tuple[str, ...]


def mutants_of(name: str) -> Iterator[Mutant]:
    """Those of an op, or of a part of tests/mutants_elsewhere.py."""
    part = importlib.import_module("mutants_elsewhere").PARTS.get(name)
    if part:
        yield from (Mutant(name, *row, part.tests) for row in part.rows)
        return
    tests = ("tests/test_ops.py", "-k", f"[{name}] or [{name}-")
    for file, *change in getattr(importlib.import_module(f"cases.{name}"), "MUTANTS", []):
        yield Mutant(name, posixpath.normpath(f"cpp/ops/{name}/{file}"), *change, tests)


def outcome(tree: ScratchTree, mutant: Mutant) -> str:
    """`killed`, `SURVIVED`, or `NO BUILD`: a row that the compiler refuses says nothing about the tests."""
    path = tree.folder / mutant.file
    original = path.read_text(encoding="utf-8")
    if mutant.text not in original:
        raise SystemExit(
            f"[mutants] {mutant.part}: {mutant.file} does not contain {mutant.text!r}; expected it; mend its row"
        )
    path.write_text(original.replace(mutant.text, mutant.replacement, 1), encoding="utf-8")
    try:
        if mutant.file.startswith("cpp/"):
            try:
                tree.build()
            except RuntimeError:
                return "NO BUILD"
        try:
            returncode = tree.pytest("-x", *mutant.tests, seconds=SECONDS).returncode
        except subprocess.TimeoutExpired:  # a loop without end is a difference too
            return "killed"
        return "SURVIVED" if returncode in (0, NO_TESTS) else "killed"
    finally:
        path.write_text(original, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="OP_OR_PART")
    chosen = parser.parse_args().names
    sys.path.insert(0, str(ROOT / "tests"))
    parts = list(importlib.import_module("mutants_elsewhere").PARTS)
    names = chosen or [*sorted(path.stem for path in (ROOT / "tests" / "cases").glob("*.py")), *parts]
    mutants = [mutant for name in names for mutant in mutants_of(name)]
    tree = ScratchTree(Path(ROOT / "build" / "mutants"))
    tree.build()
    counts: Counter[str] = Counter()
    built = True
    for mutant in mutants:
        # What the last C++ mutant left in the module must not be there when Python is changed.
        if not mutant.file.startswith("cpp/") and not built:
            tree.build()
        built = not mutant.file.startswith("cpp/")
        found = outcome(tree, mutant)
        counts[found] += 1
        print(f"{found:8} {mutant.file}: {mutant.text!r} -> {mutant.replacement!r}", flush=True)
    refused = f", {counts['NO BUILD']} did not compile" if counts["NO BUILD"] else ""
    print(f"{len(mutants)} mutants, {counts['killed']} killed, {counts['SURVIVED']} survived{refused}")
    return 0 if mutants and counts["killed"] == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
